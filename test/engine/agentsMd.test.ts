import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { AgentsMd, isFileDenied } from "../../src/engine/agentsMd.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { onWindows, unless } from "../helpers/unless.js";

const disk = vi.hoisted(() => ({ isFailing: false }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const open: typeof real.open = (...call) =>
    disk.isFailing ? Promise.reject(new Error("EMFILE")) : real.open(...call);
  return { ...real, open };
});

let base: string;
let workspace: string;
let file: string;
let agentsMd: AgentsMd;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "agents-md-"));
  workspace = join(base, "workspace");
  file = join(workspace, "AGENTS.md");
  mkdirSync(workspace);
  agentsMd = new AgentsMd(workspace);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe("AGENTS.md", () => {
  it("is read from the workspace's root, also through a link inside", async () => {
    expect((await agentsMd.read()).text).toBeUndefined();
    writeFileSync(join(workspace, "CONTRIBUTING.md"), "Use tabs.");
    symlinkSync("CONTRIBUTING.md", file);
    expect((await agentsMd.read()).text).toBe("Use tabs.");
  });

  it("is not read through a link that leads out", async () => {
    writeFileSync(join(base, "outside"), "secret");
    symlinkSync(join(base, "outside"), file);
    expect((await agentsMd.read()).text).toBeUndefined();
  });

  it("is read again when it has changed, has gone or has come", async () => {
    writeFileSync(file, "Use tabs.");
    expect((await agentsMd.read()).text).toBe("Use tabs.");
    writeFileSync(file, "Use spaces.");
    expect((await agentsMd.read()).text).toBe("Use spaces.");
    rmSync(file);
    expect((await agentsMd.read()).text).toBeUndefined();
    writeFileSync(file, "Use both.");
    expect((await agentsMd.read()).text).toBe("Use both.");
  });

  it("is read again after it could not be", async () => {
    writeFileSync(file, "Use tabs.");
    disk.isFailing = true;
    expect((await agentsMd.read()).text).toBeUndefined();
    disk.isFailing = false;
    expect((await agentsMd.read()).text).toBe("Use tabs.");
  });

  it("is no longer read once it has become a link that leads out", async () => {
    writeFileSync(file, "Use tabs.");
    expect((await agentsMd.read()).text).toBe("Use tabs.");
    rmSync(file);
    writeFileSync(join(base, "outside"), "secret");
    symlinkSync(join(base, "outside"), file);
    expect((await agentsMd.read()).text).toBeUndefined();
  });

  it("is cut at 32 KiB, between characters, and says so", async () => {
    writeFileSync(file, `x${"é".repeat(20_000)}`);
    const text = (await agentsMd.read()).text;
    expect(text).toMatch(/^xé+\n\[AGENTS\.md is longer; the rest is left out\]$/);
    expect(text?.indexOf("\n")).toBe(1 + 16_383);
  });

  unless(
    it,
    onWindows,
    "no named pipes in folders",
  )("is not waited for where it is a pipe", async () => {
    execFileSync("mkfifo", [file]);
    expect((await agentsMd.read()).text).toBeUndefined();
  });

  it("is not a folder", async () => {
    mkdirSync(file);
    expect((await agentsMd.read()).text).toBeUndefined();
  });

  it.each([
    ["UTF-8 with its mark", Buffer.from("\ufeffUse tabs, Jürgen.")],
    ["UTF-16, little-endian", Buffer.from("\ufeffUse tabs, Jürgen.", "utf16le")],
    ["UTF-16, big-endian", Buffer.from("\ufeffUse tabs, Jürgen.", "utf16le").swap16()],
  ])("is decoded by its mark: %s", async (_, bytes) => {
    writeFileSync(file, bytes);
    expect((await agentsMd.read()).text).toBe("Use tabs, Jürgen.");
  });

  it("is cut between characters in UTF-16 too", async () => {
    writeFileSync(file, Buffer.from(`\ufeffx${"😀".repeat(20_000)}`, "utf16le"));
    expect((await agentsMd.read()).text).toMatch(/^x(😀)+\n\[AGENTS\.md is longer/u);
  });

  it.each([
    ["Latin-1", () => writeFileSync(file, Buffer.from("Jürgen", "latin1")), "neither UTF-8"],
    ["UTF-16 without a mark", () => writeFileSync(file, "Use tabs.", "utf16le"), "neither UTF-8"],
    ["binary", () => writeFileSync(file, Buffer.from([1, 2, 0, 3])), "neither UTF-8"],
    [
      "a link out",
      () => {
        writeFileSync(join(base, "outside"), "secret");
        symlinkSync(join(base, "outside"), file);
      },
      "leads out of the workspace",
    ],
  ])("is left out with a warning: %s", async (_, write, reason) => {
    const { log, messages, fields } = recordingLog();
    const logged = new AgentsMd(workspace, log);
    write();
    expect(await logged.read()).toEqual({
      warning: expect.stringMatching(/^AGENTS\.md is left out: .+\.$/),
    });
    expect(messages).toEqual(["AGENTS.md is left out"]);
    expect(fields).toMatchObject([{ reason: expect.stringContaining(reason) }]);
  });
});

it.each([
  ["read:AGENTS.md", true],
  ["read:**", true],
  ["read", true],
  ["*:*.md", true],
  ["read:notes/rules.md", true],
  ["write:AGENTS.md", false],
  ["read:other.md", false],
])(
  "the rule %s keeps instructions, which are a link to notes/rules.md, from the prompt: %s",
  (rule, isDenied) => {
    const folder = mkdtempSync(join(tmpdir(), "turnwire-agents-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(join(folder, "notes"));
    writeFileSync(join(folder, "notes", "rules.md"), "Be kind.");
    symlinkSync("notes/rules.md", join(folder, "AGENTS.md"));
    const places = { workspacePath: realpathSync(folder), home: undefined };
    expect(
      isFileDenied({ allow: [], deny: [rule] }, join(places.workspacePath, "AGENTS.md"), places),
    ).toBe(isDenied);
  },
);
