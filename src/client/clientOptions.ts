/** The options of a client. */
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { type ParamsInput, protocolVersion } from "../protocol/registry.js";
import type { Framing } from "../transport/framing.js";
import type { OwnFiles } from "./files.js";
import type { InputHandler } from "./inputs.js";
import { refuseUnknown } from "./knownOptions.js";
import type { Streams } from "./link.js";
import type { PermissionHandler } from "./permissions.js";
import type { ServerCommand } from "./serverProgram.js";
import type { StateHandler } from "./stateChanges.js";
import type { OwnTool } from "./tools.js";

/** The options of both ways to get a client. */
export interface ClientOptions
  extends Pick<
    ParamsInput<"initialize">,
    "clientId" | "clientInfo" | "ackTimeoutMs" | "optOutNotifications" | "permissionSeconds"
  > {
  /** How messages are separated; `ndjson` by default. */
  readonly framing?: Framing;
  /** Answers permission questions. Without it, they are denied until `onPermission` is called. */
  readonly onPermission?: PermissionHandler;
  /** Whether the server may ask at all. If not, everything that needs a question is denied at once. */
  readonly requestPermission?: boolean;
  /** Answers the questions of tool servers. Without it, they are declined until `onInput` is called. */
  readonly onInput?: InputHandler;
  /** Whether the server may ask these questions at all. If not, they are declined at once. */
  readonly requestInput?: boolean;
  /** Called at every change of {@link TurnwireClient.state}, from the first start on. */
  readonly onStateChange?: StateHandler;
  /** The tools that the agent gets from this client; see `setTools`. */
  readonly tools?: readonly OwnTool[];
  /** Answers for the files of an editor; without it, the agent reads and writes the disk alone. */
  readonly files?: OwnFiles;
  /** Whether a lost server is started again; true by default. */
  readonly reconnect?: boolean;
  /** Aborting it gives up connecting. It has no effect once there is a client. */
  readonly signal?: AbortSignal;
  /**
   * How long a server may take from its start until it has answered `initialize`, in milliseconds;
   * 30 seconds by default. A slower server is ended, and the client rejects with that reason.
   */
  readonly startTimeoutMs?: number;
  /** How long `close` waits for running turns to end; 10 seconds by default. */
  readonly closeTimeoutMs?: number;
  /**
   * Gets the errors that the caller's handlers throw. By default each is a warning of the process
   * (`process.emitWarning`). All other handlers are still called, and the client goes on.
   */
  readonly onError?: (error: unknown) => void;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly ids?: Ids;
}

export interface SpawnOptions extends ClientOptions, ServerCommand {}

export interface AttachOptions extends ClientOptions {
  /** Streams to a server. A function opens new ones, so that the client can reconnect. */
  readonly streams: Streams | (() => Streams | Promise<Streams>);
}

const clientOptions: Readonly<Record<keyof ClientOptions, true>> = {
  clientId: true,
  clientInfo: true,
  ackTimeoutMs: true,
  permissionSeconds: true,
  optOutNotifications: true,
  framing: true,
  onPermission: true,
  requestPermission: true,
  onInput: true,
  requestInput: true,
  tools: true,
  files: true,
  onStateChange: true,
  reconnect: true,
  signal: true,
  startTimeoutMs: true,
  closeTimeoutMs: true,
  onError: true,
  log: true,
  clock: true,
  ids: true,
};
const spawnOptions: Readonly<Record<keyof SpawnOptions, true>> = {
  ...clientOptions,
  command: true,
  server: true,
  nodePath: true,
  args: true,
  dataDir: true,
  cwd: true,
  env: true,
  onStderr: true,
};
const attachOptions: Readonly<Record<keyof AttachOptions, true>> = {
  ...clientOptions,
  streams: true,
};

/** @throws TypeError for an option that `TurnwireClient.spawn` does not have. */
export function checkSpawnOptions(options: SpawnOptions): void {
  refuseUnknown("TurnwireClient.spawn", options, (name) => Object.hasOwn(spawnOptions, name));
}

/** @throws TypeError for an option that `TurnwireClient.attach` does not have. */
export function checkAttachOptions(options: AttachOptions): void {
  refuseUnknown("TurnwireClient.attach", options, (name) => Object.hasOwn(attachOptions, name));
}

/** The params of `initialize`. */
export function initializeParams(
  options: ClientOptions,
  clientId: string,
): ParamsInput<"initialize"> {
  const params: ParamsInput<"initialize"> = {
    protocolVersion,
    clientId,
    clientInfo: options.clientInfo ?? { name: "turnwire-client" },
    capabilities: {
      requestPermission: options.requestPermission ?? true,
      requestInput: options.requestInput ?? true,
      ...defined({ files: options.files === undefined ? undefined : true }),
    },
  };
  if (options.ackTimeoutMs !== undefined) params.ackTimeoutMs = options.ackTimeoutMs;
  if (options.permissionSeconds !== undefined) params.permissionSeconds = options.permissionSeconds;
  if (options.optOutNotifications !== undefined) {
    params.optOutNotifications = options.optOutNotifications;
  }
  return params;
}
