// `$NAME` in a configuration: its syntax, and how it is replaced by a value. No message of this
// file contains a value.

/** The environment that a configuration is read in. */
export type Environment = Readonly<Record<string, string | undefined>>;

const reference = /\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g;

/** Whether every `$` of a text begins a variable's name or is written `$$`. */
export function isWellFormed(text: string): boolean {
  return !text.replace(reference, "").includes("$");
}

/** The variables that a text names, in order, each once. */
export function variablesIn(text: string): readonly string[] {
  const names = [...text.matchAll(reference)].map((match) => match[1] ?? match[2]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Whether a variable has a value: an empty or blank one counts as unset. */
export function isSet(name: string, env: Environment): boolean {
  return Boolean(env[name]?.trim());
}

/** A text with its variables filled in, or the first one that the environment has no value for. */
export type Expanded = { readonly value: string } | { readonly unset: string };

/**
 * Fills in the variables of a text. Their values are inserted unchanged, including dollar signs.
 */
export function expand(text: string, env: Environment): Expanded {
  const unset = variablesIn(text).find((name) => !isSet(name, env));
  if (unset !== undefined) return { unset };
  const value = text.replace(reference, (_whole, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    return name === undefined ? "$" : (env[name] ?? "");
  });
  return { value };
}

/**
 * Variables that every program needs and that are no secrets, even if a configuration names them.
 */
const ordinary = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "PWD",
  "LANG",
  "LC_ALL",
  "TERM",
  "TZ",
  "TMPDIR",
  "TMP",
  "TEMP",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
  "APPDATA",
  "LOCALAPPDATA",
  "USERPROFILE",
  "SystemRoot",
]);

/** Whether a variable that a configuration names must be hidden from tools. */
export function mayBeSecret(name: string): boolean {
  return !ordinary.has(name);
}
