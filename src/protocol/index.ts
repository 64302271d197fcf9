// The public protocol: schemas and types alone, with no Node dependency.
export { DomainError, type ErrorName, errorTable } from "../base/errors.js";
export { isRunErrorName, runErrorTable } from "../base/runErrors.js";
export * from "./connectionNotifications.js";
export type { Direction, MethodDeclaration, NotificationDeclaration } from "./declare.js";
export * from "./objects/checkpoint.js";
export type { ClientTool } from "./objects/clientTool.js";
export * from "./objects/message.js";
export * from "./objects/model.js";
export * from "./objects/run.js";
export * from "./objects/runOptions.js";
export * from "./objects/session.js";
export * from "./objects/workspace.js";
export * from "./registry.js";
