// Maps each method to its use case. A method without a handler does not compile. Each handler is
// one line; if it needs more, a use case is missing.
import type { Backend } from "../backend/backend.js";
import type { Caller } from "../backend/caller.js";
import type { MethodName, Params, Result } from "../protocol/registry.js";

/** Answers one method. */
export type Handler<M extends MethodName> = (
  params: Params<M>,
  caller: Caller,
) => Result<M> | Promise<Result<M>>;

/** Answers every method. */
export type Handlers = { readonly [M in MethodName]: Handler<M> };

/** The methods that the connection itself answers, or whose answers wait for earlier messages. */
export type ConnectionHandlers = Pick<
  Handlers,
  | "initialize"
  | "shutdown"
  | "deleteWorkspace"
  | "setTools"
  | "listTools"
  | "listPermissions"
  | "answerPermission"
  | "daemonStatus"
  | "stopDaemon"
>;

/** The handlers of a connection. */
export function createHandlers(backend: Backend, connection: ConnectionHandlers): Handlers {
  return {
    ...connection,
    ping: () => ({}),
    createWorkspace: (params, caller) => backend.createWorkspace(params, caller),
    getWorkspace: (params, caller) => backend.getWorkspace(params, caller),
    listWorkspaces: (_params, caller) => backend.listWorkspaces(caller),
    createSession: (params, caller) => backend.sessions.create(params, caller),
    getSession: (params) => backend.sessions.get(params),
    listSessions: (params) => backend.sessions.list(params),
    searchSessions: (params, { signal }) => backend.sessions.search(params, signal),
    updateSession: (params) => backend.sessions.update(params),
    deleteSession: (params) => backend.sessions.delete(params),
    listMessages: (params) => backend.sessions.listMessages(params),
    getMessage: (params) => backend.sessions.getMessage(params),
    initAgent: (params, caller) => backend.agents.init(params, caller),
    updateAgent: (params, caller) => backend.agents.update(params, caller),
    getAgentInfo: (params, caller) => backend.agents.info(params, caller),
    sendMessage: (params, caller) => backend.sendMessage(params, caller),
    cancelSession: (params, caller) => backend.cancelSession(params, caller),
    cancelRun: (params) => backend.cancelRun(params),
    summarizeSession: (params, caller) => backend.summarizeSession(params, caller),
    queuedPrompts: (params) => backend.queues.count(params),
    queuedPromptsList: (params) => backend.queues.texts(params),
    clearQueue: (params, caller) => backend.queues.clear(params, caller),
    listQueue: (params) => backend.queues.list(params),
    editQueued: (params) => backend.queues.edit(params),
    moveQueued: (params) => backend.queues.move(params),
    removeQueued: (params) => backend.queues.remove(params),
    pauseQueue: (params) => backend.queues.pause(params),
    resumeQueue: (params) => backend.queues.resume(params),
    listCheckpoints: (params) => backend.checkpoints.list(params),
    sessionChanges: (params, caller) => backend.checkpoints.changes(params, caller),
    forkSession: (params) => backend.checkpoints.fork(params),
    rewindSession: (params, caller) => backend.checkpoints.rewind(params, caller),
    listModels: (params, caller) => backend.agents.listModels(params, caller),
    listCommands: (params, caller) => backend.agents.listCommands(params, caller),
    setModel: (params, caller) => backend.agents.setModel(params, caller),
    getDefaultSmallModel: (params, caller) => backend.agents.getDefaultSmallModel(params, caller),
    getRun: (params) => backend.runs.get(params),
    listRuns: (params) => backend.runs.list(params),
    waitRun: (params, caller) => backend.runs.wait(params, caller),
    listPendingCompletions: (params, caller) => backend.listPendingCompletions(params, caller),
    acknowledge: (params, caller) => backend.acknowledge(params, caller),
    subscribe: (params, caller) => backend.sessions.subscribe(params, caller),
    setPermissionMode: (params, caller) => backend.agents.setPermissionMode(params, caller),
  };
}
