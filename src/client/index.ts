// `turnwire/client`: a typed client for a server that it starts or attaches to.
export type { ClientTool } from "../protocol/objects/clientTool.js";
export type { RunComplete } from "../protocol/objects/run.js";
export type {
  InputAnswer,
  InputRequest,
  LossyEvent,
  MethodName,
  NotificationName,
  NotificationParams,
  ParamsInput,
  PermissionAnswer,
  PermissionQuestion,
  Result,
  ToolCallAnswer,
  ToolCallRequest,
} from "../protocol/registry.js";
export type { ClientApi } from "./api.js";
export type { AttachOptions, ClientOptions, SpawnOptions } from "./clientOptions.js";
export { ConnectionLostError, TurnwireRpcError } from "./errors.js";
export { FileChangedError, type OwnFiles } from "./files.js";
export {
  type FindServerOptions,
  findInstalledServer,
  findServer,
  ServerNotFoundError,
} from "./findServer.js";
export type { InputHandler } from "./inputs.js";
export type { Streams } from "./link.js";
export type { PermissionHandler } from "./permissions.js";
export type { Run } from "./run.js";
export type { CompletionHandler, RunOptions } from "./runs.js";
export type { ServerCommand } from "./serverProgram.js";
export type { ClientState, StateHandler } from "./stateChanges.js";
export type { StopListening } from "./stopListening.js";
export type { EventsOptions, NotificationHandler } from "./subscriptions.js";
export { TurnwireClient } from "./TurnwireClient.js";
export type { OwnTool } from "./tools.js";
