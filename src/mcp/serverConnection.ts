// What the parts of the tool servers know of each other.
import type * as z from "zod";
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { McpServer } from "../config/types.js";
import type { ProcessHost } from "../process/processHost.js";
import type { Confinement } from "../process/sandbox/sandbox.js";
import type { Asker } from "./elicitation.js";
import type { ListKind } from "./listing.js";
import type { CallResult, ListedPrompt, ListedTool } from "./messages.js";

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
  /**
   * An entry of a list is not used; its name is "" where it has none, or where more than one is meant.
   * Told while connecting, too.
   */
  onLeftOut(kind: ListKind, name: string, why: string): void;
  onEnded(reason: string): void;
}

/** A server that answers. */
export interface ServerConnection {
  /** Its tools, as it listed them last. */
  readonly tools: readonly ListedTool[];
  /**
   * Calls a tool, and has `asker` asked what the server wants to know. Throws a `ToolFailure` where there is no result, and the signal's reason when it is
   * aborted: the server is told.
   */
  call(tool: ListedTool, input: object, asker: Asker, signal: AbortSignal): Promise<CallResult>;
  /** Its prompts, as it listed them last. */
  readonly prompts: readonly ListedPrompt[];
  /** Whether it has resources to list and to read. */
  readonly hasResources: boolean;
  /** Lists its resources, or their templates. Throws as {@link ServerConnection.call}. */
  list<T>(
    kind: "resources" | "resourceTemplates",
    entry: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<readonly T[]>;
  /** Asks for a resource or a prompt; the answer is as it came. Throws as {@link ServerConnection.call}. */
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
