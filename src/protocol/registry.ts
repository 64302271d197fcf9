// Every method and notification, by name. A handler that is missing here does not compile.

import type * as z from "zod";
import { acknowledge } from "./methods/acknowledge.js";
import { answerPermission } from "./methods/answerPermission.js";
import { callTool } from "./methods/callTool.js";
import { cancelRun } from "./methods/cancelRun.js";
import { cancelSession } from "./methods/cancelSession.js";
import { clearQueue } from "./methods/clearQueue.js";
import { createSession } from "./methods/createSession.js";
import { createWorkspace } from "./methods/createWorkspace.js";
import { daemonStatus } from "./methods/daemonStatus.js";
import { deleteSession } from "./methods/deleteSession.js";
import { deleteWorkspace } from "./methods/deleteWorkspace.js";
import { editQueued } from "./methods/editQueued.js";
import { forkSession } from "./methods/forkSession.js";
import { getAgentInfo } from "./methods/getAgentInfo.js";
import { getDefaultSmallModel } from "./methods/getDefaultSmallModel.js";
import { getMessage } from "./methods/getMessage.js";
import { getRun } from "./methods/getRun.js";
import { getSession } from "./methods/getSession.js";
import { getWorkspace } from "./methods/getWorkspace.js";
import { initAgent } from "./methods/initAgent.js";
import { initialize } from "./methods/initialize.js";
import { listCheckpoints } from "./methods/listCheckpoints.js";
import { listCommands } from "./methods/listCommands.js";
import { listMessages } from "./methods/listMessages.js";
import { listModels } from "./methods/listModels.js";
import { listPendingCompletions } from "./methods/listPendingCompletions.js";
import { listPermissions } from "./methods/listPermissions.js";
import { listQueue } from "./methods/listQueue.js";
import { listRuns } from "./methods/listRuns.js";
import { listSessions } from "./methods/listSessions.js";
import { listTools } from "./methods/listTools.js";
import { listWorkspaces } from "./methods/listWorkspaces.js";
import { moveQueued } from "./methods/moveQueued.js";
import { pauseQueue } from "./methods/pauseQueue.js";
import { ping } from "./methods/ping.js";
import { queuedPrompts } from "./methods/queuedPrompts.js";
import { queuedPromptsList } from "./methods/queuedPromptsList.js";
import { readFile } from "./methods/readFile.js";
import { removeQueued } from "./methods/removeQueued.js";
import { requestInput } from "./methods/requestInput.js";
import { requestPermission } from "./methods/requestPermission.js";
import { resumeQueue } from "./methods/resumeQueue.js";
import { rewindSession } from "./methods/rewindSession.js";
import { searchSessions } from "./methods/searchSessions.js";
import { sendMessage } from "./methods/sendMessage.js";
import { sessionChanges } from "./methods/sessionChanges.js";
import { setModel } from "./methods/setModel.js";
import { setPermissionMode } from "./methods/setPermissionMode.js";
import { setTools } from "./methods/setTools.js";
import { shutdown } from "./methods/shutdown.js";
import { stopDaemon } from "./methods/stopDaemon.js";
import { subscribe } from "./methods/subscribe.js";
import { summarizeSession } from "./methods/summarizeSession.js";
import { updateAgent } from "./methods/updateAgent.js";
import { updateSession } from "./methods/updateSession.js";
import { waitRun } from "./methods/waitRun.js";
import { writeFile } from "./methods/writeFile.js";
import { agentError } from "./notifications/agentError.js";
import { agentFinished } from "./notifications/agentFinished.js";
import { eventsDropped } from "./notifications/eventsDropped.js";
import { messageCreated } from "./notifications/messageCreated.js";
import { messageDelta } from "./notifications/messageDelta.js";
import { messageUpdated } from "./notifications/messageUpdated.js";
import { permissionResolved } from "./notifications/permissionResolved.js";
import { queueChanged } from "./notifications/queueChanged.js";
import { runActivity } from "./notifications/runActivity.js";
import { runComplete } from "./notifications/runComplete.js";
import { sessionDeleted } from "./notifications/sessionDeleted.js";
import { sessionUpdated } from "./notifications/sessionUpdated.js";
import { todosChanged } from "./notifications/todosChanged.js";
import { workspaceClosed } from "./notifications/workspaceClosed.js";

/** The requests that a client sends. */
export const methods = {
  initialize,
  ping,
  shutdown,
  createWorkspace,
  getWorkspace,
  listWorkspaces,
  deleteWorkspace,
  createSession,
  getSession,
  listSessions,
  searchSessions,
  updateSession,
  deleteSession,
  listMessages,
  getMessage,
  initAgent,
  updateAgent,
  getAgentInfo,
  sendMessage,
  cancelSession,
  cancelRun,
  summarizeSession,
  queuedPrompts,
  queuedPromptsList,
  clearQueue,
  listQueue,
  editQueued,
  moveQueued,
  removeQueued,
  pauseQueue,
  resumeQueue,
  listCheckpoints,
  sessionChanges,
  rewindSession,
  forkSession,
  listModels,
  listCommands,
  listTools,
  setModel,
  getDefaultSmallModel,
  getRun,
  listRuns,
  waitRun,
  listPendingCompletions,
  acknowledge,
  setPermissionMode,
  listPermissions,
  answerPermission,
  setTools,
  subscribe,
  daemonStatus,
  stopDaemon,
} as const;

/** The requests that the server sends. */
export const serverMethods = {
  requestPermission,
  requestInput,
  callTool,
  readFile,
  writeFile,
} as const;

/** The notifications that the server sends. */
export const notifications = {
  runComplete,
  messageCreated,
  messageDelta,
  messageUpdated,
  sessionUpdated,
  sessionDeleted,
  queueChanged,
  todosChanged,
  agentFinished,
  agentError,
  runActivity,
  permissionResolved,
  workspaceClosed,
  eventsDropped,
} as const;

/** The methods that only a daemon has. */
export const daemonMethods: readonly string[] = ["daemonStatus", "stopDaemon"];

export type MethodName = keyof typeof methods;
export type NotificationName = keyof typeof notifications;
/** The notifications that may be lost. */
export type EventName = Exclude<NotificationName, "runComplete">;

/** A method's params as a client writes them. */
export type ParamsInput<M extends MethodName> = z.input<ReturnType<(typeof methods)[M]["params"]>>;
/** A method's params as a handler gets them. */
export type Params<M extends MethodName> = z.output<ReturnType<(typeof methods)[M]["params"]>>;
/** What a method answers. */
export type Result<M extends MethodName> = z.output<ReturnType<(typeof methods)[M]["result"]>>;
/** A notification's params. */
export type NotificationParams<N extends NotificationName> = z.output<
  ReturnType<(typeof notifications)[N]["params"]>
>;

/** What a turn is busy with (`runActivity`). */
export type Activity = Omit<
  NotificationParams<"runActivity">,
  "workspaceId" | "sessionId" | "runId"
>;

/** `requestPermission`'s params. */
export type PermissionQuestion = z.output<ReturnType<typeof requestPermission.params>>;
/** The question as a turn puts it; who is asked, and about which run, is added on the way. */
export type ToolQuestion = Omit<
  PermissionQuestion,
  "permissionId" | "workspaceId" | "sessionId" | "runId"
>;
/** `requestPermission`'s result. */
export type PermissionAnswer = z.output<ReturnType<typeof requestPermission.result>>;

/** `requestInput`'s params. */
export type InputRequest = z.output<ReturnType<typeof requestInput.params>>;
/** The question as a turn puts it; who is asked, and about which run, is added on the way. */
export type InputQuestion = Pick<InputRequest, "message" | "schema">;
/** `requestInput`'s result. */
export type InputAnswer = z.output<ReturnType<typeof requestInput.result>>;

/** `callTool`'s params. */
export type ToolCallRequest = z.output<ReturnType<typeof callTool.params>>;
/** `callTool`'s result. */
export type ToolCallAnswer = z.output<ReturnType<typeof callTool.result>>;

/** Any event, told apart by its name. */
export type LossyEvent = {
  [N in EventName]: { readonly method: N; readonly params: NotificationParams<N> };
}[EventName];

/** Any notification of the server, told apart by its name: what may be lost, and what must not. */
export type ServerNotification =
  | LossyEvent
  | { readonly method: "runComplete"; readonly params: NotificationParams<"runComplete"> };

/** The protocol version that this build speaks (protocol.md section 2). */
export const protocolVersion = 1;

/** `readFile`'s params. */
export type FileRead = z.output<ReturnType<typeof readFile.params>>;
/** `readFile`'s result. */
export type FileReadAnswer = z.output<ReturnType<typeof readFile.result>>;
/** `writeFile`'s params. */
export type FileWrite = z.output<ReturnType<typeof writeFile.params>>;
/** `writeFile`'s result. */
export type FileWriteAnswer = z.output<ReturnType<typeof writeFile.result>>;
