import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { makeFolder, makeFolderSync } from "../../src/base/makeFolder.js";
import { notOnLinux, unless } from "../helpers/unless.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "make-folder-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ways: [string, (path: string, options?: { mode?: number }) => Promise<void>][] = [
  ["makeFolder", makeFolder],
  ["makeFolderSync", async (path, options) => makeFolderSync(path, options)],
];

describe.each(ways)("%s", (_name, make) => {
  it("makes what is missing, and takes what is there as it is", async () => {
    await make(join(root, "a", "b", "c"), { mode: 0o700 });
    expect(statSync(join(root, "a", "b", "c")).mode & 0o777).toBe(0o700);
    chmodSync(join(root, "a"), 0o755);
    await make(join(root, "a", "b", "c"));
    await make(join(root, "a", "b", "d", "e"));
    expect(statSync(join(root, "a", "b", "d", "e")).isDirectory()).toBe(true);
    expect(statSync(join(root, "a")).mode & 0o777).toBe(0o755);
  });

  it("takes a link to a folder for one", async () => {
    await make(join(root, "real"));
    symlinkSync(join(root, "real"), join(root, "link"));
    await make(join(root, "link"));
    await make(join(root, "link", "below"));
    expect(statSync(join(root, "real", "below")).isDirectory()).toBe(true);
  });

  it("names the place where it failed", async () => {
    writeFileSync(join(root, "file"), "");
    symlinkSync(join(root, "nowhere"), join(root, "dangling"));
    await expect(make(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(make(join(root, "file", "a", "b"))).rejects.toMatchObject({
      path: join(root, "file"),
      code: "EEXIST",
    });
    await expect(make(join(root, "dangling", "a"))).rejects.toMatchObject({
      path: join(root, "dangling"),
      code: "EEXIST",
    });
  });

  it("is made once where many want it at the same time", async () => {
    const path = join(root, "x", "y", "z");
    await Promise.all(Array.from({ length: 20 }, () => make(path)));
    expect(statSync(path).isDirectory()).toBe(true);
  });
});

unless(test, notOnLinux, "/proc is such a folder, and Linux alone has it").each(ways)(
  "%s comes to an end where the system calls a parent missing that is there (Linux: /proc)",
  async (_name, make) => {
    await expect(make("/proc/foo/bar/baz")).rejects.toMatchObject({
      code: "ENOENT",
      path: "/proc/foo",
    });
  },
);
