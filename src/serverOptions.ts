// What a server is built from.
import type { Clock } from "./base/clock.js";
import type { Ids } from "./base/ids.js";
import type { Log } from "./base/log.js";
import type { ResolvePath } from "./base/startFolder.js";
import type { CommandMarks } from "./coordinator/coordinatorOptions.js";
import type { Engine } from "./engine/engine.js";
import type { EngineWorkspace } from "./engine/setup.js";
import type { RelaySource } from "./relayStart.js";
import type { ServerDescription } from "./rpc/handshake.js";
import type { OwnProcess } from "./storage/knownServers.js";
import type { OpenTelemetry } from "./telemetry/openTelemetry.js";

/** What a server needs. */
export interface ServerOptions {
  readonly dataDirectory: string;
  readonly description: ServerDescription;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves a relative path of the client's. */
  readonly resolvePath: ResolvePath;
  readonly lingerMs: number;
  /** Whether it serves several clients that are strangers to each other, as a daemon does. */
  readonly isShared?: boolean;
  readonly ownProcess: OwnProcess;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /**
   * Whether workspaces are opened by themselves to go on with their runs, and whether they close then when
   * nobody needs them. Never, unless given.
   */
  readonly resumes?: "toStay" | "toClose";
  createEngine(workspace: EngineWorkspace): Engine;
  /** How the commands of turns are recognised. */
  readonly commands?: CommandMarks;
  /** Begins to load the code for the first turn. Never waits, never throws. */
  preloadEngine?(): void;
  /** Where its completions are carried. Without it, nowhere. */
  readonly relays?: RelaySource;
  /** What watches over its work, if anything does. */
  readonly telemetry?: Pick<OpenTelemetry, "attach"> | undefined;
}
