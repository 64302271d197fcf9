/** Chooses the program that a client starts, and its environment. */
import { execPath, env as ownEnv, versions } from "node:process";
import { findServer } from "./findServer.js";

/** How to start a server. */
export interface ServerCommand {
  /**
   * A program, for example one that `findInstalledServer` found. Without it, Node runs the launcher
   * `server`.
   */
  readonly command?: string;
  /** The launcher of a server. By default the result of `findServer`. */
  readonly server?: string;
  /** The Node that runs the launcher; by default the one that runs this program. */
  readonly nodePath?: string;
  /** Its arguments; `["serve"]` by default. */
  readonly args?: readonly string[];
  /** Adds `--data-dir` (protocol.md section 9). */
  readonly dataDir?: string;
  readonly cwd?: string;
  /** Added to the environment of the calling process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Gets the server's stderr, which is its log. */
  onStderr?(text: string): void;
}

/**
 * The program and its arguments.
 *
 * @throws ServerNotFoundError if no server is named and none is found. TypeError for options that
 * exclude each other, and in an Electron program that names no Node.
 */
export function programOf(command: ServerCommand): [program: string, ...args: string[]] {
  const args = [...(command.args ?? ["serve"])];
  if (command.dataDir !== undefined) args.push("--data-dir", command.dataDir);
  const { nodePath, server } = command;
  if (command.command !== undefined) {
    if (nodePath === undefined && server === undefined) return [command.command, ...args];
    throw new TypeError(
      "`command` names the whole program: leave out `server` and `nodePath`, or `command`.",
    );
  }
  if (nodePath === undefined) refuseForeignRuntime(environmentOf(command) ?? {});
  return [nodePath ?? execPath, server ?? findServer(), ...args];
}

/** The additions to the environment. Inside VS Code, they make its own program run as Node. */
export function environmentOf({ command, nodePath, env }: ServerCommand): ServerCommand["env"] {
  const isOwnRuntime = command === undefined && nodePath === undefined;
  const isVsCode = versions.electron !== undefined && Boolean(ownEnv.VSCODE_PID);
  return isOwnRuntime && isVsCode ? { ELECTRON_RUN_AS_NODE: "1", ...env } : env;
}

/** The program of an Electron application would open a window, unless it is started as Node. */
function refuseForeignRuntime(added: Readonly<Record<string, string>>): void {
  if (versions.electron === undefined) return;
  if ({ ...ownEnv, ...added }.ELECTRON_RUN_AS_NODE) return;
  throw new TypeError(
    `This program runs in Electron, and ${execPath} is no Node. Name a Node with \`nodePath\`; or, where this Electron is built to allow it, add \`ELECTRON_RUN_AS_NODE: "1"\` to \`env\`.`,
  );
}
