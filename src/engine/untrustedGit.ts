// Makes an environment in which `git`, in an untrusted workspace, runs nothing that the
// repository's own configuration names (protocol.md section 7). The user's own values of the same
// settings are kept.
import { join, resolve } from "node:path";
import { afterAwake } from "../base/awakeTime.js";
import type { Clock } from "../base/clock.js";
import { identityOf, missingIdentity } from "../base/fileIdentity.js";
import type { ProcessHost } from "../process/processHost.js";
import { hostCommands } from "../process/runCommand.js";
import { gitLimitMs } from "./gitState.js";
import { findGitDir, readPointer } from "./recentGitState.js";
import type { EngineWorkspace } from "./setup.js";

/** Settings that are always overridden, since they may be written while a turn runs. */
const always: Readonly<Record<string, string>> = {
  "core.fsmonitor": "false",
  "core.hookspath": "/dev/null",
  "core.sshcommand": "ssh",
  "core.askpass": "true",
  "core.editor": "true",
  "sequence.editor": "true",
  "core.pager": "cat",
  "core.alternaterefscommand": "true",
  "interactive.difffilter": "cat",
  "gpg.program": "gpg",
  "gpg.openpgp.program": "gpg",
  "gpg.ssh.program": "ssh-keygen",
  "gpg.x509.program": "gpgsm",
  "protocol.ext.allow": "never",
};

/**
 * Settings with a variable name, overridden if the repository has them. For a filter, an empty
 * program means none. Where git needs the program (a text conversion), it refuses to go on.
 */
const named: readonly (readonly [RegExp, string])[] = [
  [/^filter\..+\.(?:clean|smudge|process)$/s, ""],
  [/^filter\..+\.required$/s, "false"],
  [/^diff\.(?:external|.+\.(?:command|textconv))$/s, ""],
  [/^merge\..+\.driver$/s, "false"],
  [/^alias\./s, ""],
  [/^pager\./s, "false"],
  [/^credential\.(?:.+\.)?helper$/s, ""],
  [/^gpg\.ssh\.defaultkeycommand$/, ""],
  [/^(?:mergetool|difftool|browser|man|guitool)\..+\.(?:cmd|path)$/s, "false"],
  [/^submodule\..+\.update$/s, "checkout"],
  [/^remote\..+\.uploadpack$/s, "git-upload-pack"],
  [/^remote\..+\.receivepack$/s, "git-receive-pack"],
  [/^trailer\..+\.(?:command|cmd)$/s, "true"],
  [/^sendemail\..*cmd$/s, "false"],
  [/^hook\..+\.command$/s, "true"],
];

/** One entry of git's configuration. */
interface Entry {
  readonly isOwn: boolean;
  readonly name: string;
  readonly value: string;
}

/** What the guard needs. */
interface GuardSurroundings {
  readonly host: ProcessHost;
  readonly clock: Clock;
}

/** The result, and what tells whether it is still valid. */
interface Found {
  readonly marks: string;
  readonly env: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** Guards the `git` of one workspace's tools. */
export class GitGuard {
  readonly #workspace: EngineWorkspace;
  readonly #surroundings: GuardSurroundings;
  #last: Found | undefined;

  constructor(workspace: EngineWorkspace, surroundings: GuardSurroundings) {
    this.#workspace = workspace;
    this.#surroundings = surroundings;
  }

  /**
   * The variables to add to the environment `env` of a command; none if the workspace is trusted.
   * It is asked for each command, since the one before may have changed the repository. Asking git for
   * its configuration runs nothing, and takes at most two seconds. If git cannot be asked, only the
   * settings with fixed names are overridden. git is asked again when a file of its configuration has
   * changed. Never rejects.
   */
  async variables(
    env: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const { path, trusted } = this.#workspace;
    if (trusted) return {};
    const marks = marksOf(path, env);
    const last = this.#last;
    const isKept = marks !== undefined && last?.marks === marks && isSameForGit(last.env, env);
    if (isKept) return last.variables;
    const { ok, stdout } = await this.#ask(env, signal);
    const entries = ok ? readEntries(stdout) : [];
    const variables = variablesFor(overridesFor(entries), env);
    // An included file may change without changing the mark, so with includes git is asked every
    // time.
    const isPlain = ok && !entries.some(({ name }) => includes.test(name));
    this.#last = isPlain && marks !== undefined ? { marks, env, variables } : undefined;
    return variables;
  }

  async #ask(env: Readonly<Record<string, string>>, signal: AbortSignal) {
    const { path: workspacePath } = this.#workspace;
    const { host, clock } = this.#surroundings;
    const limit = new AbortController();
    const onAbort = () => limit.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = afterAwake(clock, gitLimitMs, onAbort);
    try {
      const args = ["config", "--null", "--show-scope", "--list"];
      const run = hostCommands({ env, workspacePath, host });
      return await run("git", args, { cwd: workspacePath, env, signal: limit.signal });
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
    }
  }
}

const includes = /^include(?:if)?\./;

/** Each call of a traced run has its own: they tell git nothing about its configuration. */
const traceVariables = new Set(["TRACEPARENT", "TRACESTATE"]);

function isSameForGit(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  if (one === other) return true;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => traceVariables.has(name) || one[name] === other[name]);
}

/** A text that changes when git's configuration changes; undefined if the files cannot tell. */
function marksOf(workspacePath: string, env: Readonly<Record<string, string>>): string | undefined {
  const gitDir = findGitDir(workspacePath);
  const common = gitDir === undefined ? [] : commonDirs(gitDir);
  if (common === undefined) return undefined;
  const home = env.HOME ?? env.USERPROFILE ?? "";
  const files = [
    ...(gitDir === undefined ? [] : [join(gitDir, "config"), join(gitDir, "config.worktree")]),
    ...common.map((folder) => join(folder, "config")),
    env.GIT_CONFIG_GLOBAL ?? join(home, ".gitconfig"),
    join(env.XDG_CONFIG_HOME ?? join(home, ".config"), "git", "config"),
    env.GIT_CONFIG_SYSTEM ?? "/etc/gitconfig",
  ];
  return [gitDir, ...common, ...files.map((file) => identityOf(file))].join(" ");
}

/** Where the configuration of several working trees is; undefined where that cannot be read. */
function commonDirs(gitDir: string): readonly string[] | undefined {
  const pointer = join(gitDir, "commondir");
  if (identityOf(pointer) === missingIdentity) return [];
  const named = readPointer(pointer)?.trim();
  return named ? [resolve(gitDir, named)] : undefined;
}

function variablesFor(
  overrides: readonly (readonly [string, string])[],
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const given = Number(env.GIT_CONFIG_COUNT ?? 0);
  const first = Number.isSafeInteger(given) && given > 0 ? given : 0;
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(first + overrides.length) };
  for (const [at, [name, value]] of overrides.entries()) {
    variables[`GIT_CONFIG_KEY_${first + at}`] = name;
    variables[`GIT_CONFIG_VALUE_${first + at}`] = value;
  }
  return variables;
}

/** Reads the output of `git config --null --show-scope --list`. */
function readEntries(printed: string): Entry[] {
  const parts = printed.split("\0");
  const entries: Entry[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const text = parts[at + 1] ?? "";
    const end = text.indexOf("\n");
    const name = end === -1 ? text : text.slice(0, end);
    const isOwn = parts[at] === "local" || parts[at] === "worktree";
    entries.push({ isOwn, name, value: end === -1 ? "true" : text.slice(end + 1) });
  }
  return entries;
}

function overridesFor(entries: readonly Entry[]): (readonly [string, string])[] {
  const valuesOfUser = (name: string) =>
    entries.filter((entry) => !entry.isOwn && entry.name === name).map(({ value }) => value);
  const overrides: (readonly [string, string])[] = [];
  for (const [name, neutral] of Object.entries(always)) {
    overrides.push([name, valuesOfUser(name).at(-1) ?? neutral]);
  }
  const own = new Set(entries.filter(({ isOwn }) => isOwn).map(({ name }) => name));
  for (const name of own) {
    // No value turns it off, but only one protocol uses it.
    if (name === "core.gitproxy") overrides.push(["protocol.git.allow", "never"]);
    const neutral = named.find(([pattern]) => pattern.test(name))?.[1];
    if (neutral === undefined) continue;
    const values = valuesOfUser(name);
    // Helpers accumulate; an empty one removes the earlier ones.
    if (name.startsWith("credential.")) {
      overrides.push([name, ""], ...values.map((value) => [name, value] as const));
    } else overrides.push([name, values.at(-1) ?? neutral]);
  }
  return overrides;
}
