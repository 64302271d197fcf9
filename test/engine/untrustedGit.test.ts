// The guard keeps what it has found between two turns: a repository that changes meanwhile must not
// pass under the older answer.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import type { EngineWorkspace } from "../../src/engine/setup.js";
import { GitGuard } from "../../src/engine/untrustedGit.js";
import { ProcessHost } from "../../src/process/processHost.js";

let base: string;
let repo: string;
let env: Record<string, string>;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "git-guard-")));
  repo = join(base, "repo");
  mkdirSync(repo);
  env = { PATH: process.env.PATH ?? "", HOME: base, GIT_CONFIG_NOSYSTEM: "1" };
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync("git", args, { cwd: repo, env, stdio: "ignore" });

/** A guard that finds a `git` which counts how often it is asked. */
function counted() {
  const bin = join(base, "bin");
  const count = join(base, "count");
  mkdirSync(bin);
  writeFileSync(count, "");
  const real = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
  const script = `#!/bin/sh\necho asked >>'${count}'\nexec '${real}' "$@"\n`;
  writeFileSync(join(bin, "git"), script, { mode: 0o755 });
  return {
    ask: (path: string, more: () => Record<string, string> = () => ({})) =>
      guard(() => ({ ...env, PATH: `${bin}:${env.PATH}`, ...more() }), path),
    times: () => readFileSync(count, "utf8").split("\n").length - 1,
  };
}

function guard(asked = () => env, path = repo): () => Promise<string[]> {
  const workspace: EngineWorkspace = {
    id: "ws",
    path,
    trusted: false,
    env: {},
    engine: "turnwire",
  };
  const host = new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog });
  const made = new GitGuard(workspace, { host, clock: systemClock });
  return async () => {
    const variables = await made.variables(asked(), new AbortController().signal);
    return Object.entries(variables).flatMap(([name, value]) =>
      name.startsWith("GIT_CONFIG_KEY_") ? [value] : [],
    );
  };
}

test.each<[string, () => void, string]>([
  ["a filter", () => git("config", "filter.x.clean", "evil"), "filter.x.clean"],
  ["an alias", () => git("config", "alias.st", "!evil"), "alias.st"],
  [
    "one in a file that is included",
    () => {
      writeFileSync(join(repo, "more"), "");
      git("config", "include.path", join(repo, "more"));
    },
    "diff.external",
  ],
])("%s that comes between two turns is guarded in the next", async (_what, change, name) => {
  git("init", "--quiet");
  const ask = guard();
  expect(await ask()).not.toContain(name);
  expect(await ask()).toContain("core.fsmonitor");
  change();
  if (name === "diff.external") {
    // Known to include something, and then the included file changes without a mark.
    expect(await ask()).not.toContain(name);
    appendFileSync(join(repo, "more"), "[diff]\n\texternal = evil\n");
  }
  expect(await ask()).toContain(name);
});

test("a call's place in a trace does not make git be asked again, another variable does", async () => {
  const { ask: askedIn, times } = counted();
  let more: Record<string, string> = {};
  const ask = askedIn(repo, () => more);
  const timesAfter = async (variables: Record<string, string>) => {
    more = variables;
    expect(await ask()).toContain("core.fsmonitor");
    return times();
  };
  expect(await timesAfter({})).toBe(1);
  expect(await timesAfter({ TRACEPARENT: "00-1", TRACESTATE: "a=b" })).toBe(1);
  expect(await timesAfter({ TRACEPARENT: "00-2" })).toBe(1);
  expect(await timesAfter({ GIT_CONFIG_COUNT: "0" })).toBe(2);
});

test("in one of several working trees git is asked once, and again when their configuration changes", async () => {
  const { ask: askedIn, times } = counted();
  git("init", "--quiet");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "a");
  const tree = join(base, "tree");
  git("worktree", "add", "--quiet", tree);
  const ask = askedIn(tree);
  expect(await ask()).not.toContain("alias.st");
  await ask();
  expect(times()).toBe(1);
  git("config", "alias.st", "!evil");
  expect(await ask()).toContain("alias.st");
  execFileSync("git", ["config", "extensions.worktreeConfig", "true"], { cwd: tree, env });
  execFileSync("git", ["config", "--worktree", "alias.own", "!evil"], { cwd: tree, env });
  expect(await ask()).toContain("alias.own");
  await ask();
  expect(times()).toBe(3);
});

test("a repository that is made where none was is guarded in the next turn", async () => {
  const ask = guard();
  expect(await ask()).toContain("core.fsmonitor");
  git("init", "--quiet");
  git("config", "filter.x.process", "evil");
  expect(await ask()).toContain("filter.x.process");
});
