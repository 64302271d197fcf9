import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ShellFinder } from "../../src/process/shellFinder.js";

let root: string;
let searchPath: string;

const bash = (folder: string) => join(root, folder, "bash");

function install(folder: string): void {
  writeFileSync(bash(folder), "#!/bin/sh\n");
  chmodSync(bash(folder), 0o755);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "turnwire-test-"));
  for (const folder of ["first", "second"]) mkdirSync(join(root, folder));
  searchPath = ["first", "second"].map((folder) => join(root, folder)).join(delimiter);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("the shell of commands", () => {
  it("stays the bash that was found, for as long as it can be run", async () => {
    const finder = new ShellFinder();
    install("second");
    expect(await finder.find(searchPath)).toBe(bash("second"));
    install("first");
    expect(await finder.find(searchPath)).toBe(bash("second"));
    chmodSync(bash("second"), 0o644);
    expect(await finder.find(searchPath)).toBe(bash("first"));
  });

  it("is looked for anew on another search path, and where there was no bash", async () => {
    const finder = new ShellFinder();
    expect(await finder.find(searchPath)).toBe("/bin/sh");
    install("second");
    expect(await finder.find(searchPath)).toBe(bash("second"));
    expect(await finder.find(join(root, "first"))).toBe("/bin/sh");
    expect(await finder.find(undefined)).toBe("/bin/sh");
  });
});
