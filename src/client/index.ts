// `turnwire/client`: a typed client for a server that it starts or attaches to.
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
} from "../protocol/registry.js";
export type { ClientApi } from "./api.js";
export { ConnectionLostError, TurnwireRpcError } from "./errors.js";
export type { InputHandler } from "./inputs.js";
export type { Streams } from "./link.js";
export type { PermissionHandler } from "./permissions.js";
export type { CompletionHandler, RunOptions } from "./runs.js";
export type { ServerCommand } from "./serverProcess.js";
export type { EventsOptions, NotificationHandler } from "./subscriptions.js";
export {
  type AttachOptions,
  type ClientOptions,
  type SpawnOptions,
  TurnwireClient,
} from "./TurnwireClient.js";
