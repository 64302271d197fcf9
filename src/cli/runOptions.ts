/** The options of `turnwire run`, and what it needs of its process (protocol.md section 11). */
import type { Readable, Writable } from "node:stream";
import type { ConfigSetting } from "../base/configFiles.js";
import type { ResolvePath } from "../base/startFolder.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { StdinKind } from "./runPrompt.js";
import type { Terminal } from "./terminal.js";

export interface RunCommandOptions {
  /** The prompt; `-` reads it from stdin. */
  readonly prompt: string;
  /** The folder to work in; by default the process's own. */
  readonly cwd?: string;
  readonly dataDir?: string;
  /** The session to continue. */
  readonly session?: string;
  /** Continue the folder's latest session. */
  readonly continueLatest?: boolean;
  readonly model?: { readonly provider: string; readonly model: string };
  /** Without it, a person at the terminal is asked. If there is no terminal, it is `deny`. */
  readonly permissionMode?: PermissionMode;
  /** How much the model should reason. */
  readonly effort?: string;
  /** Rules that narrow what the run may do. */
  readonly allow?: string[];
  readonly deny?: string[];
  readonly instructions?: string;
  /** The file of a JSON Schema that the run's result must fit. */
  readonly outputSchema?: string;
  readonly maxSteps?: number;
  /** US dollars. */
  readonly maxCost?: number;
  /** Go on in a copy of the session. */
  readonly fork?: boolean;
  /** Files that are sent with the prompt. */
  readonly attach?: readonly string[];
  /** Whether the folder's own files may set fields that can run code. */
  readonly trust?: boolean;
  /** Fields of the configuration that are set only for this run. */
  readonly config?: readonly ConfigSetting[];
  readonly output: OutputFormat;
  /** The file that gets the output instead of stdout. */
  readonly outputFile?: string;
  /** Only errors go to stderr. */
  readonly quiet?: boolean;
  /** Also shows the results of tools, and the closing line in every case. */
  readonly verbose?: boolean;
  readonly color?: ColorChoice;
  readonly timeoutSeconds?: number;
  /** Leave the run to the daemon, once it is accepted. */
  readonly detach?: true;
}

/** Whether there are colours; `auto`: on a terminal, unless the environment says otherwise. */
export type ColorChoice = "auto" | "always" | "never";

export const colorChoices: readonly ColorChoice[] = ["auto", "always", "never"];

/** `text`: the reply; `json`: the completion; `stream-json`: each event, then the completion. */
export type OutputFormat = "text" | "json" | "stream-json";

export const outputFormats: readonly OutputFormat[] = ["text", "json", "stream-json"];

export interface RunCommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** The kind of stdin; `other` by default. */
  readonly stdinKind?: StdinKind;
  readonly isStderrTty: boolean;
  /** Whether stdout is a terminal; false unless told. */
  readonly isStdoutTty?: boolean;
  /** How wide the terminal is now; without it there is no status line. */
  columns?(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves a path that was given on the command line. */
  readonly resolvePath: ResolvePath;
  /** The server to start; `--data-dir` is added to its arguments. */
  readonly serverCommand: { readonly file: string; readonly args: readonly string[] };
  /** The terminal for questions; by default stdin and stderr. */
  openTerminal?(): Terminal | undefined;
  /** Calls back at every interrupt, Ctrl-C or SIGTERM. Call the returned function to stop. */
  onInterrupt(callback: () => void): () => void;
}

/** The exit codes of `turnwire run`. If several fit, `exitCodeOf` chooses. */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  usage: 2,
  /** Everything that the run tried to do was refused. */
  denied: 3,
  /** The run reached one of its own limits. */
  limit: 4,
  /** The output could not be written. */
  output: 5,
  cancelled: 130,
} as const;
