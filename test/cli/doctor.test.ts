import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { doctor } from "../../src/cli/doctor.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "turnwire-doctor-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function examine(
  env: Record<string, string> = {},
  dataDir = join(root, "state"),
  processId = 2,
) {
  const lines: string[] = [];
  const code = await doctor({
    ownProcess: { version: "1.2.3", processId, place: undefined, lifeOf: () => undefined },
    env: { HOME: root, XDG_CONFIG_HOME: root, ...env },
    workspacePath: root,
    dataDir,
    versions: { turnwire: "1.2.3", protocol: 1, node: "20.19.0", platform: "linux x64" },
    write: (line) => lines.push(line),
  });
  return { code, lines, text: lines.join("\n") };
}

const configure = (value: unknown) => {
  mkdirSync(join(root, "turnwire"), { recursive: true });
  writeFileSync(join(root, "turnwire", "config.json"), JSON.stringify(value));
};

describe("doctor", () => {
  test("says that process 1 leaves zombies, and what to do", async () => {
    const { code, lines } = await examine({}, join(root, "state"), 1);
    expect(lines).toContainEqual(expect.stringMatching(/^process +1: .*zombies.*`--init`$/));
    expect(code).toBe(0);
    expect((await examine()).text).not.toContain("zombies");
  });

  test("says what a fresh machine has, and writes nothing", async () => {
    const { code, lines } = await examine();
    expect(lines).toEqual([
      "turnwire        1.2.3, protocol 1",
      "node            20.19.0, linux x64",
      `data directory  ${join(root, "state")} (will be created)`,
      `database        ${join(root, "state", "turnwire.db")} (none yet)`,
      `user file       ${join(root, "turnwire", "config.json")} (none)`,
      `workspace file  ${join(root, "turnwire.json")} (none)`,
      "provider        offline (offline), models: offline",
      "permissions     ask, 0 allow rules, 0 deny rules",
      "large model     offline/offline",
      "small model     offline/offline",
      "environment     ANTHROPIC_API_KEY is not set",
      "environment     OPENAI_API_KEY is not set",
      "environment     GEMINI_API_KEY is not set",
      "all well",
    ]);
    expect(code).toBe(0);
    expect(readdirSync(root)).toEqual([]);
  });

  test("names keys and never shows them", async () => {
    configure({
      providers: {
        hosted: {
          type: "openai-compatible",
          baseUrl: "https://example.test/v1",
          apiKey: "$HOSTED_KEY",
          headers: { "X-Org": "$ORG" },
          models: [{ id: "m" }],
        },
        typed: { type: "openai", apiKey: "typed-in-secret" },
      },
      mcpServers: { docs: { command: "docs-mcp", args: ["argument-secret"] } },
      permissions: { mode: "deny", deny: ["bash"] },
    });
    writeFileSync(join(root, "turnwire.json"), '{"permissions": {"mode": "allow"}}');
    const { code, text } = await examine({ ORG: "org-secret", OPENAI_API_KEY: "env-secret" });
    expect(text).toContain("https://example.test/v1, key $HOSTED_KEY (not set), headers X-Org)");
    expect(text).toContain("typed (openai, key literal), models: gpt-");
    expect(text).toContain("tool server     docs (docs-mcp)");
    expect(text).toContain("permissions     deny, 0 allow rules, 1 deny rules");
    expect(text).toContain("turnwire.json (found, not trusted)");
    expect(text).toContain("warning         turnwire.json: permissions.mode is ignored");
    expect(text).toContain("warning         providers.hosted.apiKey is left out");
    expect(text).toContain("OPENAI_API_KEY is set");
    expect(text).not.toContain("secret");
    expect(code).toBe(0);
  });

  test("tells every mistake of a file, and ends with 1", async () => {
    configure({ limits: { maxSteps: 0, maxStep: 1 } });
    const { code, lines } = await examine();
    const path = join(root, "turnwire", "config.json");
    const problems = lines.filter((line) => line.startsWith("configuration"));
    expect(problems.join("\n")).toContain(`PROBLEM: ${path}: limits.maxSteps: `);
    expect(problems.join("\n")).toContain(`PROBLEM: ${path}: limits.maxStep: unknown field`);
    expect(lines.at(-1)).toBe("2 to put right");
    expect(code).toBe(1);
  });

  test("tells a model that is not configured", async () => {
    configure({ models: { large: { provider: "gone", model: "m" } } });
    const { code, text } = await examine();
    expect(text).toContain("large model     PROBLEM: the model gone/m is not configured");
    expect(code).toBe(1);
  });

  test("gives the size of the database, and tells a data directory that is a file", async () => {
    writeFileSync(join(root, "turnwire.db"), "12345");
    expect((await examine({}, root)).text).toContain(`${join(root, "turnwire.db")} (5 bytes)`);
    const { code, text } = await examine({}, join(root, "turnwire.db", "below"));
    expect(text).toContain(`PROBLEM: ${join(root, "turnwire.db")} is not a folder`);
    expect(code).toBe(1);
  });
});
