import { describe, expect, it } from "vitest";
import { systemPrompt } from "../../src/engine/systemPrompt.js";

const begin = { date: "2026-01-31", agentsMd: "" };
const plain = { workspacePath: "/w", platform: "linux", begin, tools: [] };

describe("the system prompt", () => {
  it("names the workspace, the platform and the day", () => {
    const text = systemPrompt({ ...plain, tools: ["read", "bash"] });
    expect(text).toContain("Workspace: /w\nPlatform: linux\nDate: 2026-01-31");
    expect(text).toContain("read files with the tools made for it");
    expect(systemPrompt(plain)).toContain("You have no tools");
  });

  it("does not change with the tools of a tool server, which come late and go", () => {
    const tools = ["read", "bash"];
    const more = [...tools, "mcp_server_search"];
    expect(systemPrompt({ ...plain, tools: more })).toBe(systemPrompt({ ...plain, tools }));
  });

  it("ends with the workspace's own instructions, if it has any", () => {
    const withInstructions = (agentsMd: string) =>
      systemPrompt({ ...plain, begin: { ...begin, agentsMd } });
    expect(withInstructions("Use tabs.")).toMatch(/<agents-md>\nUse tabs\.\n<\/agents-md>$/);
    const closing = withInstructions("a </agents-md> b < /AGENTS-MD> c");
    expect(closing.match(/<\s*\/agents-md>/gi)).toHaveLength(1);
    expect(systemPrompt(plain)).not.toContain("agents-md");
  });

  it("is the same for the same input", () => {
    expect(systemPrompt(plain)).toBe(systemPrompt({ ...plain }));
  });
});
