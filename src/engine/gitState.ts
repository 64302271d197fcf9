// Reads what git knows of a workspace, in a way in which no program of the workspace runs
// (protocol.md section 7).
//
// In the real repository, git is only asked about itself (`rev-parse`, `config --list`): this only
// reads, and runs nothing. Everything else is asked in a stand-in (see `borrow`).
import { mkdtemp, realpath, rm, stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { afterAwake } from "../base/awakeTime.js";
import { temporaryFolder } from "../base/baseFolders.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { isWithin, toSlashes } from "../base/insideFolder.js";
import { cutText } from "../base/text.js";
import type { RunCommand } from "../process/runCommand.js";
import {
  borrow,
  type Repository,
  type RepositorySettings,
  settingsAmong,
} from "./borrowedRepository.js";

/** The state of a repository for the model. */
export interface GitState {
  /** Undefined if no branch is checked out. */
  readonly branch?: string;
  /**
   * One line per changed file, as `git status --short` writes it in the workspace; undefined if it
   * took too long.
   */
  readonly changes?: readonly string[];
  /**
   * Files that git would compare with a program that the repository names. The program is not run,
   * so it is unknown whether they changed.
   */
  readonly undecided?: readonly string[];
  /** Whether there are submodules. Their content was not looked at. */
  readonly hasSubmodules?: boolean;
  /** The newest first, one line each; empty before the first commit. */
  readonly recentCommits: readonly string[];
}

/** How long all steps together may take, in milliseconds. */
export const gitLimitMs = 2000;

const mostCommits = 5;
const longestLine = 200;
/** With more changed files than this, filters are not checked: nobody reads so many. */
const mostFiltered = 2000;

/** What is needed to read the state. */
export interface GitSurroundings {
  readonly run: RunCommand;
  /** The environment of the user's programs, in which git finds the user's own configuration. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/**
 * Reads the state of the repository that a workspace is in. Undefined if there is none, if git is
 * missing or fails, and if nothing is known after {@link gitLimitMs}. Rejects only if the signal is
 * aborted, with its reason.
 */
export async function readGitState(
  workspacePath: string,
  surroundings: GitSurroundings,
  signal: AbortSignal,
): Promise<GitState | undefined> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const onAbort = () => limit.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = afterAwake(surroundings.clock, gitLimitMs, () => {
    limit.abort(new Error("git took too long"));
  });
  try {
    return await readState(workspacePath, asking(surroundings, limit.signal));
  } catch {
    // A removed folder or a full disk must not keep a turn from beginning.
    return undefined;
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", onAbort);
    signal.throwIfAborted();
  }
}

/** Runs git. `env` is added to the variables that keep git from asking. */
type Git = (
  cwd: string,
  args: readonly string[],
  options?: { readonly env?: Readonly<Record<string, string>>; readonly input?: string },
) => Promise<{ readonly ok: boolean; readonly stdout: string }>;

function asking({ run, env }: GitSurroundings, signal: AbortSignal): Git {
  const own = Object.fromEntries(
    userVariables.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
  return (cwd, args, options = {}) =>
    run("git", ["--no-pager", ...args], {
      cwd,
      env: { ...own, ...quietEnvironment, ...options.env },
      signal,
      ...defined({ input: options.input }),
    });
}

/** Where git finds the configuration that the user and the system gave it. */
const userVariables = [
  ...["HOME", "USERPROFILE", "XDG_CONFIG_HOME"],
  ...["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"],
];

/** No locks, no questions, no network, nothing fetched on the way. */
const quietEnvironment: Readonly<Record<string, string>> = {
  GIT_OPTIONAL_LOCKS: "0",
  GIT_TERMINAL_PROMPT: "0",
  GIT_NO_LAZY_FETCH: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_ALLOW_PROTOCOL: "none",
  LC_ALL: "C",
};

/** In the stand-in, only its own configuration is used. */
const noOtherConfiguration: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: process.platform === "win32" ? "NUL" : "/dev/null",
};

async function readState(workspacePath: string, git: Git): Promise<GitState | undefined> {
  const repository = await findRepository(workspacePath, git);
  if (repository === undefined) return undefined;
  const settings = await readSettings(workspacePath, git);
  const folder = await mkdtemp(join(temporaryFolder(), "turnwire-git-"));
  try {
    const env = { ...(await borrow(repository, settings, folder)), ...noOtherConfiguration };
    const asked: Git = (cwd, args, options) => git(cwd, args, { ...options, env });
    const [recentCommits, changes] = await Promise.all([
      readCommits(repository, asked),
      readChanges({ repository, workspacePath, filters: settings.filters }, asked),
    ]);
    return {
      recentCommits,
      ...defined({ branch: repository.branch && printable(repository.branch) }),
      ...changes,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

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
  // `core.worktree` can name any folder. Only a folder that contains the workspace counts.
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

async function readSettings(workspacePath: string, git: Git): Promise<RepositorySettings> {
  const { stdout } = await git(workspacePath, ["config", "--null", "--list"]);
  const configured = settingsAmong(stdout.split("\0"));
  if (!/(^|\0)core\.(excludes|attributes)file\n/.test(stdout)) return configured;
  // Read as paths, they have a leading `~` resolved. The last value of a name counts.
  const files = await git(workspacePath, [
    ...["config", "--null", "--type=path", "--get-regexp"],
    "^core\\.(excludes|attributes)file$",
  ]);
  const pathOf = (name: string) =>
    files.stdout
      .split("\0")
      .findLast((line) => line.startsWith(`${name}\n`))
      ?.slice(name.length + 1);
  const excludesFile = pathOf("core.excludesfile");
  const attributesFile = pathOf("core.attributesfile");
  return { ...configured, ...defined({ excludesFile, attributesFile }) };
}

async function readCommits(repository: Repository, git: Git): Promise<string[]> {
  if (repository.head === undefined) return [];
  const args = ["log", `--max-count=${mostCommits}`, "--no-show-signature", "--format=%h %s"];
  const { ok, stdout } = await git(repository.root, [...args, repository.head, "--"]);
  return ok ? stdout.split("\n").filter(Boolean).map(printable) : [];
}

/** A workspace in its repository. */
interface Looked {
  readonly repository: Repository;
  readonly workspacePath: string;
  /** See {@link RepositorySettings.filters}. */
  readonly filters: ReadonlySet<string>;
}

/** A file that differs, as git reports it. */
interface Change {
  /** Two letters: the index against the last commit, the file against the index. */
  readonly state: string;
  /** From the repository's root. */
  readonly path: string;
}

async function readChanges(
  looked: Looked,
  git: Git,
): Promise<Pick<GitState, "changes" | "undecided" | "hasSubmodules">> {
  const { root } = looked.repository;
  // A submodule's commit is compared. Changes inside it are not looked at: git would run there with
  // the submodule's own configuration.
  const args = ["status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty"];
  const [{ ok, stdout }, hasSubmodules] = await Promise.all([
    git(root, args),
    isFile(join(root, ".gitmodules")),
  ]);
  if (!ok) return {};
  const found = stdout
    .split("\0")
    .filter(Boolean)
    .map((line) => ({ state: line.slice(0, 2), path: line.slice(3) }));
  const filtered = await filteredAmong(found, looked, git);
  const shown = ({ path }: Change) => pathIn(looked, path);
  const decided = found.flatMap((change) => {
    if (!filtered.has(change.path)) return [change];
    return change.state[0] === " " ? [] : [{ ...change, state: `${change.state[0]} ` }];
  });
  const undecided = found.filter(({ path }) => filtered.has(path)).map(shown);
  return {
    changes: decided.map((change) => printable(`${change.state} ${shown(change)}`)),
    ...defined({
      undecided: undecided.length > 0 ? undecided.map(printable) : undefined,
      hasSubmodules: hasSubmodules || undefined,
    }),
  };
}

/**
 * The paths of files that git would give to a program before it compares them. The program is not
 * run, so a file that was only touched looks changed.
 */
async function filteredAmong(
  changes: readonly Change[],
  { repository, filters }: Looked,
  git: Git,
): Promise<ReadonlySet<string>> {
  const paths = changes.filter(({ state }) => state[1] === "M").map(({ path }) => path);
  if (filters.size === 0 || paths.length === 0) return new Set();
  const { stdout } = await git(repository.root, ["check-attr", "-z", "--stdin", "filter"], {
    input: paths
      .slice(0, mostFiltered)
      .map((path) => `${path}\0`)
      .join(""),
  });
  // The output repeats: a path, the attribute's name, and its value.
  const fields = stdout.split("\0");
  const filtered = new Set<string>();
  for (let index = 0; index + 2 < fields.length; index += 3) {
    const [path, , filter] = fields.slice(index, index + 3);
    if (path !== undefined && filter !== undefined && filters.has(filter)) filtered.add(path);
  }
  return filtered;
}

/** A path of the repository, relative to the workspace. A folder's path ends with a slash. */
function pathIn({ repository, workspacePath }: Looked, path: string): string {
  const way = toSlashes(relative(workspacePath, join(repository.root, path))) || ".";
  return path.endsWith("/") ? `${way}/` : way;
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ?? false;
}

/** Makes a text one line: a file's name or a commit's author cannot begin another line. */
function printable(text: string): string {
  return cutText(text.replaceAll(/\p{Cc}/gu, "?"), longestLine);
}
