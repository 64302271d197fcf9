// Variables that say something about the program that started this server, such as an editor, its
// debugger, a git hook or a package script. A command that inherited them would act on another
// repository, join the editor's debugger, or write to a channel that is not its own.

/** Full names. */
const names: ReadonlySet<string> = new Set([
  // What `git rev-parse --local-env-vars` lists: which repository, index and objects git works on.
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_CONFIG",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_PARAMETERS",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_REFERENCE_BACKEND",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
  // The same for variables that are not in that list: where git looks for refs, and the state of a
  // push.
  "GIT_NAMESPACE",
  "GIT_PUSH_OPTION_COUNT",
  "GIT_QUARANTINE_PATH",
  "GIT_REFLOG_ACTION",
  // Electron: a program that inherits the first one runs Electron as Node.
  "CHROME_DESKTOP",
  "ORIGINAL_XDG_CURRENT_DESKTOP",
  // Node: a channel to the parent, by the number of a descriptor that is not there any more.
  "NODE_CHANNEL_FD",
  "NODE_CHANNEL_SERIALIZATION_MODE",
  "NODE_INSPECTOR_IPC",
  "NODE_UNIQUE_ID",
  // A terminal in Vim or Neovim: the address at which the editor takes orders.
  "NVIM",
  "NVIM_LISTEN_ADDRESS",
  "VIM_SERVERNAME",
  // npm and similar tools, when a package's script starts the server.
  "INIT_CWD",
  "npm_command",
  "npm_config_local_prefix",
  "npm_config_yes",
  "npm_execpath",
  "npm_node_execpath",
]);

/** Beginnings of names. */
const prefixes: readonly string[] = [
  "ELECTRON_",
  "GIT_CONFIG_KEY_",
  "GIT_CONFIG_VALUE_",
  "GIT_PUSH_OPTION_",
  "VSCODE_",
  "npm_lifecycle_",
  "npm_package_",
];

/** The programs that ask a person for a password; an editor sets them to helpers of its own. */
const askers: ReadonlySet<string> = new Set(["GIT_ASKPASS", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE"]);
const editorsAsker = "VSCODE_GIT_ASKPASS_NODE";

/**
 * The value that children get for a variable of the server's environment: the same, a shorter one,
 * or undefined if they do not get the variable. `environment` is the server's whole environment;
 * `key` makes a name comparable on this platform.
 */
export function withoutStarter(
  name: string,
  value: string,
  environment: Readonly<Record<string, string | undefined>>,
  key: (name: string) => string,
): string | undefined {
  const own = key(name);
  if ([...names].some((one) => key(one) === own)) return undefined;
  if (prefixes.some((prefix) => own.startsWith(key(prefix)))) return undefined;
  // The editor's helpers talk to it through variables that are left out.
  if (askers.has(own) && environment[editorsAsker] !== undefined) return undefined;
  return own === "NODE_OPTIONS" ? withoutDebugger(value) : value;
}

/** Options of Node for debugging, with a value after `=` or as the next word. */
const debugFlag = /^--(?:inspect|debug)(?:-[a-z-]+)?(?:=|$)|^--experimental-network-inspection$/;
/** The debugging options whose value may be the next word. */
const debugFlagWithValue = /^--(?:inspect-port|debug-port|inspect-publish-uid)$/;
/** Options that load a file before the program. */
const preload = /^(?:--require|-r|--import|--loader|--experimental-loader)(?:=|$)/;
/** Files that editors load into a program to debug it. */
const debuggersFile =
  /js-debug|ms-vscode|bootloader|debugConnector|JavaScriptDebugger|javascript-debugger/i;

/** `NODE_OPTIONS` without the options of a debugger; undefined if nothing is left. */
function withoutDebugger(options: string): string | undefined {
  const kept: string[] = [];
  const words = optionWords(options);
  for (let at = 0; at < words.length; at++) {
    const { text, source } = words[at] ?? { text: "", source: "" };
    const next = words[at + 1];
    if (debugFlag.test(text)) {
      if (debugFlagWithValue.test(text) && next !== undefined) at++;
    } else if (preload.test(text)) {
      const hasNext = !text.includes("=") && next !== undefined;
      if (hasNext) at++;
      const file = hasNext ? next.text : text;
      if (!debuggersFile.test(file)) kept.push(source, ...(hasNext ? [next.source] : []));
    } else {
      kept.push(source);
    }
  }
  return kept.length === 0 ? undefined : kept.join(" ");
}

interface OptionWord {
  /** The option as Node understands it. */
  readonly text: string;
  /** The option as it is written. */
  readonly source: string;
}

/** Splits `NODE_OPTIONS` as Node does: at spaces, except inside double quotes. */
function optionWords(options: string): OptionWord[] {
  const words: OptionWord[] = [];
  let text = "";
  let source = "";
  let isQuoted = false;
  for (let at = 0; at < options.length; at++) {
    const character = options[at] ?? "";
    if (character === " " && !isQuoted) {
      if (source !== "") words.push({ text, source });
      text = "";
      source = "";
      continue;
    }
    source += character;
    if (character === '"') isQuoted = !isQuoted;
    else if (character === "\\" && isQuoted && at + 1 < options.length) {
      const escaped = options[++at] ?? "";
      source += escaped;
      text += escaped;
    } else text += character;
  }
  if (source !== "") words.push({ text, source });
  return words;
}
