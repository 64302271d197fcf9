// git may be a wrapper that waits, or that leaves something behind which holds its output open.
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { gitLimitMs, readGitState } from "../../src/engine/gitState.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { hostCommands } from "../../src/process/runCommand.js";
import { ManualClock } from "../helpers/manualClock.js";
import { notOnLinux, onWindows, unless } from "../helpers/unless.js";
import { isAlive, until } from "../tools/workbench.js";

let base: string;
let bin: string;
let workspacePath: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "git-limit-")));
  bin = join(base, "bin");
  workspacePath = join(base, "workspace");
  mkdirSync(bin);
  mkdirSync(workspacePath);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Puts a `git` of our own first, which writes the ids of its processes to `pids`. */
function wrapGit(script: string): string {
  const pids = join(base, "pids");
  writeFileSync(pids, "");
  writeFileSync(join(bin, "git"), `#!/bin/sh\npids='${pids}'\n${script}\n`, { mode: 0o755 });
  return pids;
}

function begin(signal = new AbortController().signal) {
  const env = { PATH: `${bin}:${process.env.PATH}` };
  const run = hostCommands({
    env,
    workspacePath,
    host: new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog }),
  });
  const clock = new ManualClock();
  return { clock, state: readGitState(workspacePath, { run, env, clock }, signal) };
}

const written = (file: string) =>
  readFileSync(file, "utf8").split("\n").filter(Boolean).map(Number);

const waiting: [string, string, number][] = [
  ["itself waits", "echo $$ >> $pids; exec sleep 300", 1],
  [
    "waits for a child that holds its output",
    "sleep 300 & echo $! $$ | tr ' ' '\\n' >> $pids; wait",
    2,
  ],
  ["ends and leaves a child that holds its output", "sleep 300 & echo $! >> $pids; exit 0", 1],
  [
    "leaves a child in a session of its own",
    "setsid sh -c 'echo $$ >> \"$0\"; exec sleep 300' $pids & wait",
    1,
  ],
  ["ignores a polite end", "trap '' TERM INT HUP; echo $$ >> $pids; while :; do sleep 1; done", 1],
];

unless(test, notOnLinux, "processes are looked for in /proc").each(waiting)(
  "a git that %s holds a turn up no longer than its limit, and is gone then (Linux: processes are listed)",
  async (_what, script, count) => {
    const pids = wrapGit(script);
    const { clock, state } = begin();
    await until(async () => written(pids).length >= count);
    clock.advance(gitLimitMs);
    expect(await state).toBeUndefined();
    for (const pid of written(pids)) await until(async () => !(await isAlive(pid)));
  },
);

unless(
  test,
  onWindows,
  "no POSIX shell",
)(
  "the limit is one for all steps together (a shell script stands in for git: not on Windows)",
  async () => {
    const pids = wrapGit(
      `echo $$ >> $pids
case "$*" in
  *absolute-git-dir*) printf '%s\\n%s\\n%s\\nsha1\\n' '${workspacePath}' '${workspacePath}' '${workspacePath}';;
  *symbolic-ref*) echo main;;
  *status*) exec sleep 300;;
esac`,
    );
    const { clock, state } = begin();
    clock.advance(gitLimitMs - 1);
    // It has come to the status, past all that answered.
    await until(async () => written(pids).length >= 5);
    clock.advance(1);
    expect(await state).toEqual({ branch: "main", recentCommits: [] });
  },
);

unless(
  test,
  onWindows,
  "no POSIX shell",
)(
  "a cancelled turn does not wait for git (a shell script stands in for git: not on Windows)",
  async () => {
    const pids = wrapGit("echo $$ >> $pids; exec sleep 300");
    const cancel = new AbortController();
    const { state } = begin(cancel.signal);
    await until(async () => written(pids).length >= 1);
    cancel.abort(new Error("cancelled"));
    await expect(state).rejects.toThrow("cancelled");
  },
);
