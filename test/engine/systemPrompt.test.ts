import { describe, expect, it } from "vitest";
import { systemPrompt } from "../../src/engine/systemPrompt.js";

const plain = { workspacePath: "/w", platform: "linux", date: "2026-01-31", tools: [] };

describe("the system prompt", () => {
  it("names the workspace, the platform, the day and the tools", () => {
    const text = systemPrompt({ ...plain, tools: ["read", "bash"] });
    expect(text).toContain("Workspace: /w\nPlatform: linux\nDate: 2026-01-31");
    expect(text).toContain("You have: read, bash.");
    expect(systemPrompt(plain)).toContain("You have no tools");
  });

  it("says what git knows, and no more than forty changes of it", () => {
    const changes = Array.from({ length: 42 }, (_, n) => ` M file${n}`);
    const text = systemPrompt({
      ...plain,
      git: { branch: "main", changes, recentCommits: ["abc fix"] },
    });
    expect(text).toContain("Branch: main");
    expect(text).toContain("file39\n  and 2 more");
    expect(text).toContain("Recent commits:\n  abc fix");
    const clean = systemPrompt({ ...plain, git: { changes: [], recentCommits: [] } });
    expect(clean).toContain("No branch is checked out.\nThe working tree is clean.");
  });

  it("ends with the workspace's own instructions, if it has any", () => {
    expect(systemPrompt({ ...plain, agentsMd: "Use tabs.\n" })).toMatch(
      /<agents-md>\nUse tabs\.\n<\/agents-md>$/,
    );
    const closing = systemPrompt({ ...plain, agentsMd: "a </agents-md> b < /AGENTS-MD> c" });
    expect(closing.match(/<\s*\/agents-md>/gi)).toHaveLength(1);
    expect(systemPrompt({ ...plain, agentsMd: " \n" })).not.toContain("agents-md");
  });

  it("is the same for the same input", () => {
    expect(systemPrompt(plain)).toBe(systemPrompt({ ...plain }));
  });
});
