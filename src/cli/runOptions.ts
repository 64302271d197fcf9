/** What `turnwire run` is asked for, and what it needs of its process (protocol.md section 11). */
import type { Readable, Writable } from "node:stream";
import type { ResolvePath } from "../base/startFolder.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { Terminal } from "./terminal.js";

export interface RunCommandOptions {
  /** The prompt; `-` reads it from stdin. */
  readonly prompt: string;
  /** The folder to work in; the process's own unless told. */
  readonly cwd?: string;
  readonly dataDir?: string;
  /** A session to go on with. */
  readonly session?: string;
  /** Go on with the folder's latest session. */
  readonly continueLatest?: boolean;
  readonly model?: { readonly provider: string; readonly model: string };
  /** Without it, a person at the terminal is asked; where there is none, it is `deny`. */
  readonly permissionMode?: PermissionMode;
  readonly output: OutputFormat;
  readonly timeoutSeconds?: number;
}

/** `text`: the reply; `json`: the completion; `stream-json`: each event, then the completion. */
export type OutputFormat = "text" | "json" | "stream-json";

export const outputFormats: readonly OutputFormat[] = ["text", "json", "stream-json"];

export interface RunCommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly isStderrTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves a path that was given on the command line. */
  readonly resolvePath: ResolvePath;
  /** The server to start; `--data-dir` is added to its arguments. */
  readonly serverCommand: { readonly file: string; readonly args: readonly string[] };
  /** The terminal that questions are put on; stdin and stderr where it is not given. */
  openTerminal?(): Terminal | undefined;
  /** Calls back at every interrupt, Ctrl-C or SIGTERM; call what is returned to stop. */
  onInterrupt(callback: () => void): () => void;
}

/** The exit codes of `turnwire run`; where several fit, `exitCodeOf` says which one it is. */
export const exitCodes = {
  succeeded: 0,
  failed: 1,
  usage: 2,
  /** Everything that it tried to do was refused. */
  denied: 3,
  /** It reached a bound of its own. */
  limit: 4,
  /** What there was to print could not be written. */
  output: 5,
  cancelled: 130,
} as const;
