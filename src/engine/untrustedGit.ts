// The environment under which `git` in a workspace that is not trusted runs nothing that the
// repository's own configuration names (protocol.md section 7). What the user's own configuration
// says of the same settings is kept.
import type { ProcessHost } from "../process/processHost.js";
import { hostCommands } from "../process/runCommand.js";
import type { EngineWorkspace } from "./engine.js";

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
 * Settings with names of their own, overridden where the repository has them. An empty program is
 * none for a filter; where git cannot do without (a text conversion), it refuses to go on.
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

/**
 * The variables to add to the environment `env` of tools; none where the workspace is trusted. Asking git for its configuration runs
 * nothing; where it cannot be asked, only the settings with fixed names are overridden. Never rejects.
 */
export async function guardGit(
  { path: workspacePath, trusted }: EngineWorkspace,
  env: Readonly<Record<string, string>>,
  host: ProcessHost,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (trusted) return {};
  const run = hostCommands({ env, workspacePath, host });
  const args = ["config", "--null", "--show-scope", "--list"];
  const { ok, stdout } = await run("git", args, { cwd: workspacePath, env, signal });
  const overrides = overridesFor(ok ? readEntries(stdout) : []);
  const given = Number(env.GIT_CONFIG_COUNT ?? 0);
  const first = Number.isSafeInteger(given) && given > 0 ? given : 0;
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(first + overrides.length) };
  for (const [at, [name, value]] of overrides.entries()) {
    variables[`GIT_CONFIG_KEY_${first + at}`] = name;
    variables[`GIT_CONFIG_VALUE_${first + at}`] = value;
  }
  return variables;
}

/** What `git config --null --show-scope --list` printed. */
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
    // There is no value that turns it off, but it serves one protocol alone.
    if (name === "core.gitproxy") overrides.push(["protocol.git.allow", "never"]);
    const neutral = named.find(([pattern]) => pattern.test(name))?.[1];
    if (neutral === undefined) continue;
    const values = valuesOfUser(name);
    // Helpers add up; an empty one forgets those before it.
    if (name.startsWith("credential.")) {
      overrides.push([name, ""], ...values.map((value) => [name, value] as const));
    } else overrides.push([name, values.at(-1) ?? neutral]);
  }
  return overrides;
}
