// What git knows of a workspace, read such that nothing of the workspace runs (contract section 7).
//
// A repository's own configuration can name programs that git runs on the most harmless occasion:
// `core.fsmonitor`, `filter.*.clean`, `gpg.program`, a transport for objects that are missing. Turning
// each one off by name is a race against new ones. So git gets to see another repository: a folder of
// ours with a configuration of ours, which borrows the real one's objects, index and files. Of the
// real one only what git says about itself is asked (`rev-parse`, `config --list`): that reads and
// runs nothing.

import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defined } from "../base/defined.js";
import { isWithin } from "../base/insideFolder.js";
import type { RunCommand } from "../process/runCommand.js";

/** What the system prompt says of a repository. */
export interface GitState {
  /** Undefined where no branch is checked out. */
  readonly branch?: string;
  /** One line a changed file, as `git status --short` writes it; undefined where it took too long. */
  readonly changes?: readonly string[];
  /** The newest first, one line each; empty before the first commit. */
  readonly recentCommits: readonly string[];
}

interface Repository {
  readonly gitDir: string;
  readonly commonDir: string;
  /** The root of the working tree. */
  readonly root: string;
  readonly objectFormat: string;
  readonly branch?: string;
  readonly head?: string;
}

const timeoutMs = 2000;
const mostCommits = 5;
const longestLine = 200;

/** Settings that change what a file looks like to git, and their harmless values. */
const harmlessSettings =
  /^core\.(filemode|symlinks|ignorecase|precomposeunicode|autocrlf|eol)\n(true|false|input|lf|crlf|native)$/;

/**
 * Reads the state of the repository that a workspace is in. Undefined where there is none, or git is
 * missing, fails, or takes more than two seconds for a step. Rejects only if the signal is aborted.
 */
export async function readGitState(
  workspacePath: string,
  run: RunCommand,
  signal: AbortSignal,
): Promise<GitState | undefined> {
  signal.throwIfAborted();
  try {
    return await readState(workspacePath, run, signal);
  } catch {
    // Folders that vanish, a full disk: no reason not to begin a turn.
    signal.throwIfAborted();
    return undefined;
  }
}

async function readState(
  workspacePath: string,
  run: RunCommand,
  signal: AbortSignal,
): Promise<GitState | undefined> {
  const git = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run("git", ["--no-pager", ...args], {
      cwd,
      env: { ...quietEnvironment, ...env },
      timeoutMs,
      signal,
    });
  const repository = await findRepository(workspacePath, git);
  signal.throwIfAborted();
  if (repository === undefined) return undefined;
  const settings = await readSettings(workspacePath, git);
  const folder = await mkdtemp(join(tmpdir(), "turnwire-git-"));
  try {
    const env = await borrow(repository, settings, folder);
    const [commits, changes] = await Promise.all([
      readCommits(repository, env, git),
      readChanges(repository, env, git),
    ]);
    signal.throwIfAborted();
    return {
      recentCommits: commits,
      ...defined({ branch: repository.branch && printable(repository.branch), changes }),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Git = (
  cwd: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Promise<{ readonly ok: boolean; readonly stdout: string }>;

/** No configuration but the repository's, no locks, no questions, no network. */
const quietEnvironment: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: process.platform === "win32" ? "NUL" : "/dev/null",
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_ALLOW_PROTOCOL: "none",
  LC_ALL: "C",
};

async function findRepository(workspacePath: string, git: Git): Promise<Repository | undefined> {
  const place = await git(workspacePath, [
    "rev-parse",
    "--absolute-git-dir",
    "--git-common-dir",
    "--show-toplevel",
    "--show-object-format",
  ]);
  if (!place.ok) return undefined;
  const [gitDir, commonDir, root, objectFormat] = place.stdout.split("\n");
  if (!gitDir || !commonDir || !root || !/^sha(1|256)$/.test(objectFormat ?? "")) return undefined;
  // `core.worktree` can name any folder; only one that the workspace lies in is its own.
  if (!isWithin(await realpath(root), await realpath(workspacePath))) return undefined;
  const [branch, head] = await Promise.all([
    git(workspacePath, ["symbolic-ref", "--quiet", "--short", "HEAD"]),
    git(workspacePath, ["rev-parse", "--verify", "--quiet", "HEAD"]),
  ]);
  const commit = head.stdout.trim();
  return {
    gitDir,
    commonDir: resolve(workspacePath, commonDir),
    root,
    objectFormat: objectFormat ?? "sha1",
    ...defined({
      branch: branch.ok ? branch.stdout.trim() : undefined,
      head: head.ok && /^[0-9a-f]{40,64}$/.test(commit) ? commit : undefined,
    }),
  };
}

async function readSettings(workspacePath: string, git: Git): Promise<string[]> {
  const { stdout } = await git(workspacePath, ["config", "--null", "--list"]);
  return stdout.split("\0").filter((setting) => harmlessSettings.test(setting));
}

/** Makes the folder that git is shown, and the environment that shows it. */
async function borrow(
  repository: Repository,
  settings: readonly string[],
  folder: string,
): Promise<Record<string, string>> {
  const lines = settings.map((setting) => {
    const [name = "", value = ""] = setting.split("\n");
    return `\t${name.slice("core.".length)} = ${value}`;
  });
  const config = [
    "[core]",
    `\trepositoryformatversion = ${repository.objectFormat === "sha1" ? 0 : 1}`,
    "\tbare = false",
    `\texcludesFile = ${quoted(join(repository.commonDir, "info", "exclude"))}`,
    ...lines,
    ...(repository.objectFormat === "sha1" ? [] : ["[extensions]", "\tobjectFormat = sha256"]),
  ];
  await mkdir(join(folder, "refs"));
  await writeFile(join(folder, "config"), `${config.join("\n")}\n`);
  await writeFile(join(folder, "HEAD"), `${repository.head ?? "ref: refs/heads/none"}\n`);
  return {
    GIT_DIR: folder,
    GIT_WORK_TREE: repository.root,
    GIT_INDEX_FILE: join(repository.gitDir, "index"),
    GIT_OBJECT_DIRECTORY: join(repository.commonDir, "objects"),
  };
}

async function readCommits(
  repository: Repository,
  env: Readonly<Record<string, string>>,
  git: Git,
): Promise<string[]> {
  if (repository.head === undefined) return [];
  const args = ["log", `--max-count=${mostCommits}`, "--no-show-signature", "--format=%h %s"];
  const { ok, stdout } = await git(repository.root, [...args, repository.head, "--"], env);
  return ok ? stdout.split("\n").filter(Boolean).map(printable) : [];
}

async function readChanges(
  repository: Repository,
  env: Readonly<Record<string, string>>,
  git: Git,
): Promise<string[] | undefined> {
  // Looking into a submodule would run git there, with the submodule's own configuration.
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=all"];
  const { ok, stdout } = await git(repository.root, args, env);
  return ok ? stdout.split("\0").filter(Boolean).map(printable) : undefined;
}

/** A line is a line: what a file's name or a commit's author put into it cannot begin another. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "?").slice(0, longestLine);
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, "\\$&")}"`;
}
