// In which folder the commands of a line run, with links on a real disk and with `CDPATH`.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseLine } from "../../src/permissions/shell/parseLine.js";
import { shellArguments } from "../../src/process/shellArguments.js";
import { onWindows, unless } from "../helpers/unless.js";

/** A folder `ws` with a `sub`, beside a folder `other` with a `sub` of its own, and links. */
function disk(): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "moves-")));
  for (const path of ["ws/sub/deep", "ws/.../sub", "other/sub", "ws/sub2"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  symlinkSync("../other", join(root, "ws/link"));
  symlinkSync("nowhere", join(root, "ws/dangling"));
  symlinkSync("../other/sub", join(root, "ws/.../up"));
  symlinkSync("ws", join(root, "alias"));
  symlinkSync("../ws", join(root, "other/alias"));
  return root;
}

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("a `cd` at the beginning of a line", () => {
  const root = disk();
  const ws = join(root, "ws");
  const foldersAfter = (target: string, hasNoCdpath = true) => {
    const reading = { language: "bash", folder: ws, hasNoCdpath } as const;
    return parseLine(`cd ${target} && make`, reading).commands.at(-1)?.folders;
  };

  test.each([
    ["sub", "ws/sub"],
    ["sub/deep", "ws/sub/deep"],
    ["./sub", "ws/sub"],
    ["..", "."],
    ["../other", "other"],
    ["../ws", "ws"],
    ["missing", "ws/missing"],
    [".", "ws"],
  ])("is followed to %s", (target, folder) => {
    expect(foldersAfter(target)).toEqual([join(root, folder)]);
  });

  test.each([
    ["link"],
    ["link/sub"],
    ["./link"],
    ["dangling"],
    ["../alias"],
    ["../alias/sub"],
    [`${root}/alias`],
    ["sub/.."],
    ["link/.."],
    ["../ws/link/.."],
    [".../up/.."],
    [".../.."],
  ])("is not followed to %s, which links may lead elsewhere", (target) => {
    expect(foldersAfter(target)).toBeUndefined();
  });

  test.each([["sub"], ["sub/deep"], ["..sub"], [".../sub"]])(
    "is not followed to %s where `CDPATH` may be set",
    (target) => {
      expect(foldersAfter(target, false)).toBeUndefined();
    },
  );

  test.each([["./sub"], [".."], ["."], [`${ws}/sub`]])(
    "is followed to %s whatever `CDPATH` is",
    (target) => {
      expect(foldersAfter(target, false)).toEqual([join(ws, target).replace(join(ws, ws), ws)]);
    },
  );

  test("leads where it is said to, whatever the environment says about folders", () => {
    const shells = ["bash", "sh"].map((shell) => `/bin/${shell}`);
    const mark = { variable: "x", fileLocks: "1000000001" };
    const targets = ["sub", "..", "sub2", "./sub/deep", "../other"];
    for (const shell of shells) {
      for (const target of targets) {
        const args = shellArguments({ shell, command: `cd ${target} && pwd -P`, mark });
        const env = { ...process.env, PWD: join(root, "other/alias"), CDPATH: join(root, "other") };
        const printed = execFileSync(shell, args, { cwd: ws, env, encoding: "utf8" });
        expect([shell, target, printed]).toEqual([shell, target, `${foldersAfter(target)?.[0]}\n`]);
      }
    }
  });
});
