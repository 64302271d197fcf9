// What the model is told of a repository is what git itself says there, whatever is configured.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { tellState } from "../../src/engine/circumstances.js";
import { readGitState } from "../../src/engine/gitState.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { hostCommands } from "../../src/process/runCommand.js";

let base: string;
let home: string;
let repo: string;
let env: Record<string, string>;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "git-says-")));
  home = join(base, "home");
  repo = join(base, "repo");
  mkdirSync(home);
  mkdirSync(repo);
  env = { PATH: process.env.PATH ?? "", HOME: home, GIT_CONFIG_NOSYSTEM: "1" };
  git(repo, "config", "--global", "user.name", "Ada");
  git(repo, "config", "--global", "user.email", "ada@example.test");
  git(repo, "config", "--global", "protocol.file.allow", "always");
  git(repo, "init", "--quiet", "--initial-branch=main");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, {
    cwd,
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

const host = new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog });

function write(name: string, content: string): void {
  mkdirSync(join(repo, name, ".."), { recursive: true });
  writeFileSync(join(repo, name), content);
}

function commitAll(subject = "all"): void {
  git(repo, "add", "--all");
  git(repo, "commit", "--quiet", "--allow-empty", "--message", subject);
}

function read(workspacePath = repo, signal = new AbortController().signal) {
  const clock = systemClock;
  const run = hostCommands({ env, workspacePath, host });
  return readGitState(workspacePath, { run, env, clock }, signal);
}

/** What a model is told of a state. */
function toldOf(git: Awaited<ReturnType<typeof read>>): string {
  const now = { date: "2026-01-01", git, isAgentsMdDenied: false };
  return tellState([], now).circumstances.surroundings ?? "";
}

/** `git status --short`, as a person would type it in a folder. */
function status(cwd = repo): string[] {
  return git(cwd, "status", "--short", "--no-renames").split("\n").filter(Boolean);
}

async function expectWhatGitSays(cwd = repo, least = 1): Promise<void> {
  const said = status(cwd);
  expect(said.length).toBeGreaterThanOrEqual(least);
  expect((await read(cwd))?.changes).toEqual(said);
}

test("paths are told as seen from a workspace below the repository's root", async () => {
  write("packages/app/a.txt", "1");
  write("other/b.txt", "1");
  commitAll();
  write("packages/app/a.txt", "2");
  write("packages/app/src/new.txt", "x");
  write("packages/lib/new.txt", "x");
  write("other/b.txt", "2");
  await expectWhatGitSays(join(repo, "packages", "app"), 4);
  await expectWhatGitSays(join(repo, "packages"), 4);
});

test("a folder that is wholly new keeps its slash, also where it is the workspace itself", async () => {
  commitAll();
  write("new/deep/x", "x");
  await expectWhatGitSays();
  await expectWhatGitSays(join(repo, "new"));
});

test.each<[string, () => void]>([
  [
    "core.excludesFile of the user",
    () => {
      writeFileSync(join(home, "ignored"), "*.tmp\n");
      git(repo, "config", "--global", "core.excludesFile", "~/ignored");
    },
  ],
  [
    "core.excludesFile of the repository",
    () => {
      writeFileSync(join(base, "ignored"), "*.tmp\n");
      git(repo, "config", "core.excludesFile", join(base, "ignored"));
    },
  ],
  [
    "the user's ignore file",
    () => {
      mkdirSync(join(home, ".config", "git"), { recursive: true });
      writeFileSync(join(home, ".config", "git", "ignore"), "*.tmp\n");
    },
  ],
  [
    "an ignore file below XDG_CONFIG_HOME",
    () => {
      env.XDG_CONFIG_HOME = join(base, "xdg");
      mkdirSync(join(base, "xdg", "git"), { recursive: true });
      writeFileSync(join(base, "xdg", "git", "ignore"), "*.tmp\n");
    },
  ],
  ["info/exclude", () => writeFileSync(join(repo, ".git", "info", "exclude"), "*.tmp\n")],
  [
    "a configuration named by GIT_CONFIG_GLOBAL",
    () => {
      writeFileSync(join(home, "ignored"), "*.tmp\n");
      env.GIT_CONFIG_GLOBAL = join(base, "other-config");
      writeFileSync(env.GIT_CONFIG_GLOBAL, `[core]\n\texcludesFile = ${join(home, "ignored")}\n`);
    },
  ],
  [
    "an included configuration",
    () => {
      writeFileSync(join(base, "ignored"), "*.tmp\n");
      writeFileSync(join(base, "included"), `[core]\n\texcludesFile = ${join(base, "ignored")}\n`);
      git(repo, "config", "--global", "include.path", join(base, "included"));
    },
  ],
])("ignore rules hold from %s", async (_where, configure) => {
  write("a.txt", "1");
  write("b.tmp", "1");
  configure();
  await expectWhatGitSays();
  expect(status()).toEqual(["?? a.txt"]);
});

test.each(["no", "normal", "all"])("status.showUntrackedFiles = %s is honoured", async (value) => {
  write("a.txt", "1");
  commitAll();
  write("a.txt", "2");
  write("new/x", "x");
  git(repo, "config", "--global", "status.showUntrackedFiles", value);
  await expectWhatGitSays();
});

test("a repository of another owner is looked at where safe.directory names it", async () => {
  write("a.txt", "1");
  env.GIT_TEST_ASSUME_DIFFERENT_OWNER = "1";
  const commands = hostCommands({
    env,
    workspacePath: repo,
    host,
  });
  const asOther: typeof commands = (file, args, options) =>
    commands(file, args, {
      ...options,
      env: { ...options.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" },
    });
  const asked = { run: asOther, env, clock: systemClock };
  const signal = new AbortController().signal;
  expect(await readGitState(repo, asked, signal)).toBeUndefined();
  writeFileSync(join(home, ".gitconfig"), `[safe]\n\tdirectory = ${repo}\n`);
  expect(await readGitState(repo, asked, signal)).toMatchObject({ changes: ["?? a.txt"] });
});

/** A clean filter that leaves a mark where it ran, and writes everything in capital letters. */
function addFilter(): string {
  const mark = join(base, "filter-ran");
  const program = join(base, "filter");
  writeFileSync(program, `#!/bin/sh\ntouch '${mark}'\ntr a-z A-Z\n`);
  chmodSync(program, 0o755);
  git(repo, "config", "filter.capitals.clean", program);
  write(".gitattributes", "*.big filter=capitals\n");
  write("a.big", "text\n");
  write("plain.txt", "text\n");
  commitAll();
  rmSync(mark);
  return mark;
}

test("a file behind a filter that was only touched is not told as changed", async () => {
  const mark = addFilter();
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(repo, "a.big"), later, later);
  const state = await read();
  expect(state).toMatchObject({ changes: [], undecided: ["a.big"] });
  expect(() => readFileSync(mark)).toThrow();
  const prompt = toldOf(state);
  expect(prompt).toContain("  a.big");
  expect(prompt).not.toMatch(/ M a\.big|is clean/);
});

test("beside a file behind a filter, the others are told as git tells them", async () => {
  addFilter();
  write("a.big", "more text\n");
  write("plain.txt", "changed\n");
  write("new.big", "new\n");
  git(repo, "add", "new.big");
  write("new.big", "newer\n");
  const state = await read();
  expect(state?.changes).toEqual(["A  new.big", " M plain.txt"]);
  expect(state?.undecided).toEqual(["a.big", "new.big"]);
});

test("a filter that is named by attributes and configured by nobody changes nothing", async () => {
  write(".gitattributes", "* filter=missing\n");
  write("a.txt", "1");
  commitAll();
  write("a.txt", "2");
  await expectWhatGitSays();
});

test("attributes beside the repository count", async () => {
  writeFileSync(join(repo, ".git", "info", "attributes"), "*.txt text eol=crlf\n");
  write("a.txt", "1\r\n");
  commitAll();
  const later = new Date(Date.now() + 60_000);
  utimesSync(join(repo, "a.txt"), later, later);
  expect(status()).toEqual([]);
  expect((await read())?.changes).toEqual([]);
});

test("a working tree is not called clean where a submodule has a new commit", async () => {
  const library = join(base, "library");
  mkdirSync(library);
  git(library, "init", "--quiet");
  git(library, "commit", "--quiet", "--allow-empty", "--message", "1");
  git(repo, "submodule", "--quiet", "add", library, "module");
  commitAll();
  expect(toldOf(await read())).toContain("inside submodules was not looked at");
  git(join(repo, "module"), "commit", "--quiet", "--allow-empty", "--message", "2");
  expect(status()).toEqual([" M module"]);
  await expectWhatGitSays();
  expect(toldOf(await read())).not.toContain("is clean");
});

test("a shallow, a sparse and a split repository are told as git tells them", async () => {
  for (let n = 1; n <= 4; n++) {
    write("a.txt", String(n));
    write(`folder${n}/x`, "x");
    commitAll(`commit ${n}`);
  }
  const shallow = join(base, "shallow");
  git(base, "clone", "--quiet", "--depth=2", `file://${repo}`, shallow);
  writeFileSync(join(shallow, "a.txt"), "changed");
  expect((await read(shallow))?.recentCommits).toHaveLength(2);
  await expectWhatGitSays(shallow);

  const sparse = join(base, "sparse");
  git(base, "clone", "--quiet", repo, sparse);
  git(sparse, "sparse-checkout", "set", "--cone", "folder1");
  writeFileSync(join(sparse, "a.txt"), "changed");
  await expectWhatGitSays(sparse);

  git(repo, "update-index", "--split-index");
  write("a.txt", "changed");
  await expectWhatGitSays();
});

test.each(["yes", "on", "1", undefined])("core.fileMode written as %s counts", async (value) => {
  write("a.sh", "1");
  commitAll();
  chmodSync(join(repo, "a.sh"), 0o755);
  const config = readFileSync(join(repo, ".git", "config"), "utf8");
  const line = value === undefined ? "filemode" : `filemode = ${value}`;
  writeFileSync(join(repo, ".git", "config"), config.replace("filemode = true", line));
  await expectWhatGitSays();
});
