import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readAgentsMd } from "../../src/agent/agentsMd.js";

let base: string;
let workspace: string;
let file: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "agents-md-"));
  workspace = join(base, "workspace");
  file = join(workspace, "AGENTS.md");
  mkdirSync(workspace);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("AGENTS.md", () => {
  it("is read from the workspace's root, also through a link inside", async () => {
    expect(await readAgentsMd(workspace)).toBeUndefined();
    writeFileSync(join(workspace, "CONTRIBUTING.md"), "Use tabs.");
    symlinkSync("CONTRIBUTING.md", file);
    expect(await readAgentsMd(workspace)).toBe("Use tabs.");
  });

  it("is not read through a link that leads out", async () => {
    writeFileSync(join(base, "outside"), "secret");
    symlinkSync(join(base, "outside"), file);
    expect(await readAgentsMd(workspace)).toBeUndefined();
  });

  it("is cut at 32 KiB, between characters, and says so", async () => {
    writeFileSync(file, `x${"é".repeat(20_000)}`);
    const text = await readAgentsMd(workspace);
    expect(text).toMatch(/^xé+\n\[AGENTS\.md is longer; the rest is left out\]$/);
    expect(text?.indexOf("\n")).toBe(1 + 16_383);
  });

  it.skipIf(process.platform === "win32")("is not waited for where it is a pipe", async () => {
    execFileSync("mkfifo", [file]);
    expect(await readAgentsMd(workspace)).toBeUndefined();
  });

  it("is not a folder", async () => {
    mkdirSync(file);
    expect(await readAgentsMd(workspace)).toBeUndefined();
  });
});
