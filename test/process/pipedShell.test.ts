import { readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { ChildNotStarted } from "../../src/base/childStart.js";
import { type PipedProgram, startPiped } from "../../src/process/pipedShell.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { until } from "../tools/workbench.js";

const program = (script: string, more: Partial<PipedProgram> = {}): PipedProgram => {
  return { file: "/bin/sh", args: ["-c", script], cwd: "/", env: { ONLY: "this" }, ...more };
};

/** The reason why a program is not started. */
async function reasonOf(more: Partial<PipedProgram>): Promise<string> {
  const error = await startPiped(program("true", more)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ChildNotStarted);
  return error instanceof Error ? error.message : "";
}

unless(
  describe,
  onWindows,
  "no POSIX shell",
)("a shell with its output on a pipe", () => {
  test("gives its output, its end, and the close of its pipe", async () => {
    const shell = await startPiped(program("echo out; echo err >&2; exit 7"));
    expect(await text(shell.stdout)).toBe("out\n");
    expect(await shell.exited).toEqual({ kind: "code", code: 7 });
    await shell.closed;
    const killed = await startPiped(program("kill -TERM $$"));
    expect(await killed.exited).toEqual({ kind: "signal", signal: "SIGTERM" });
    killed.stdout.destroy();
    await killed.closed;
  });

  test("has the environment that it is given, no input, and a group of its own", async () => {
    const script = "cat; echo $ONLY-$HOME; ps -o pgid= -p $$ 2>/dev/null || echo $$";
    const shell = await startPiped(
      program(script, { env: { ONLY: "this", PATH: "/usr/bin:/bin" } }),
    );
    expect((await text(shell.stdout)).split(/\s+/)).toEqual(["this-", String(shell.pid), ""]);
  });

  test("that cannot be started says why", async () => {
    const folder = await mkdtemp(join(tmpdir(), "piped-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, "plain"), "x");
    const missing = "there is no such file or folder (ENOENT)";
    expect(await reasonOf({ file: join(folder, "none") })).toBe(missing);
    expect(await reasonOf({ cwd: join(folder, "none") })).toBe(missing);
    const denied = "the operating system does not permit it (EACCES)";
    expect(await reasonOf({ file: join(folder, "plain") })).toBe(denied);
    const much = "x".repeat(3 * 1024 * 1024);
    expect(await reasonOf({ args: ["-c", much] })).toBe("the operating system refused (E2BIG)");
    expect(await reasonOf({ env: { BAD: "a\0b" } })).toMatch(/without null bytes/);
  });

  unless(
    test,
    notOnLinux,
    "it counts descriptors in /proc",
  )("leaves no descriptor open if it was not started", async () => {
    const open = () => readdirSync("/proc/self/fd").length;
    await reasonOf({ file: "/none" });
    const before = open();
    for (let n = 0; n < 20; n++) await reasonOf({ file: "/none" });
    await until(async () => open() <= before);
  });
});
