// The types between the parts of the tool servers.
import type * as z from "zod";
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { McpServer } from "../config/types.js";
import type { ProcessHost } from "../process/processHost.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import type { Asker } from "./elicitation.js";
import type { ListKind } from "./listing.js";
import type { Logins } from "./logins.js";
import type { CallResult, ListedPrompt, ListedTool } from "./messages.js";

/** The common start options of a workspace's tool servers. */
export interface ServerSurroundings {
  readonly workspacePath: string;
  /** The tools' environment. */
  readonly env: Readonly<Record<string, string>>;
  /** This program's version, which servers are told. */
  readonly version: string;
  readonly host: ProcessHost;
  /** How programs are confined; undefined if they are not. */
  readonly confinement?: Confinement;
  /** Where the logins of servers over HTTP are. */
  readonly logins: Logins;
  /** What `turnwire mcp login` is told for the server; undefined where no login is used for it. */
  readonly loginName: string | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/**
 * The callbacks of a connection. Unless noted, they are called only while it is connected and not
 * being closed.
 */
export interface ConnectionHooks {
  onToolsChanged(): void;
  /**
   * An entry of a list is not used. Its name is "" if it has none, or if more than one entry is
   * meant. Also called while connecting.
   */
  onLeftOut(kind: ListKind, name: string, why: string): void;
  onEnded(reason: string): void;
}

/** A connected server. */
export interface ServerConnection {
  /** Its tools, from the last listing. */
  readonly tools: readonly ListedTool[];
  /**
   * Calls a tool. Questions of the server go to `asker`. Throws a `ToolFailure` if there is no
   * result. When the signal is aborted, it tells the server and throws the signal's reason.
   */
  call(tool: ListedTool, input: object, asker: Asker, signal: AbortSignal): Promise<CallResult>;
  /** Its prompts, from the last listing. */
  readonly prompts: readonly ListedPrompt[];
  /** Whether it has resources to list and to read. */
  readonly hasResources: boolean;
  /** Lists its resources, or their templates. Throws like {@link ServerConnection.call}. */
  list<T>(
    kind: "resources" | "resourceTemplates",
    entry: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<readonly T[]>;
  /** Gets a resource or a prompt; the answer is raw. Throws like {@link ServerConnection.call}. */
  ask(
    method: "resources/read" | "prompts/get",
    params: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<unknown>;
  /** Resolves when it is gone. */
  close(): Promise<void>;
}

/** Connects to a server; see `connect` of connect.ts. */
export type Connect = (
  id: string,
  server: McpServer,
  surroundings: ServerSurroundings,
  hooks: ConnectionHooks,
  signal: AbortSignal,
) => Promise<ServerConnection>;
