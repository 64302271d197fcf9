// What the parts of the tool servers know of each other.
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { McpServer } from "../config/types.js";
import type { ProcessHost } from "../process/processHost.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import type { CallResult, ListedTool } from "./messages.js";

/** What every tool server of a workspace is started with. */
export interface ServerSurroundings {
  readonly workspacePath: string;
  /** The tools' environment. */
  readonly env: Readonly<Record<string, string>>;
  /** This program's version, which servers are told. */
  readonly version: string;
  readonly host: ProcessHost;
  /** How programs are confined; undefined where they are not. */
  readonly confinement?: Confinement;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What a connection tells, unless said otherwise while it is connected and not being closed. */
export interface ConnectionHooks {
  onToolsChanged(): void;
  /** A tool is not used; its name is "" where it is about no one tool. Told while connecting, too. */
  onLeftOut(name: string, why: string): void;
  onEnded(reason: string): void;
}

/** A server that answers. */
export interface ServerConnection {
  /** Its tools, as it listed them last. */
  readonly tools: readonly ListedTool[];
  /**
   * Calls a tool. Throws a `ToolFailure` where there is no result, and the signal's reason when it is
   * aborted: the server is told.
   */
  call(tool: ListedTool, input: object, signal: AbortSignal): Promise<CallResult>;
  /** Resolves when it is gone. */
  close(): Promise<void>;
}

/** Connects to a server; see `connect` of connection.ts. */
export type Connect = (
  id: string,
  server: McpServer,
  surroundings: ServerSurroundings,
  hooks: ConnectionHooks,
  signal: AbortSignal,
) => Promise<ServerConnection>;
