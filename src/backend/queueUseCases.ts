// Lists and changes the queue of a session for a client (protocol.md section 4, The queue).
import type { SessionQueue } from "../coordinator/sessionQueue.js";
import type { Params, Result } from "../protocol/registry.js";
import { emptyPrompt, isText } from "./attachments.js";
import type { Caller } from "./caller.js";
import { clearedPrompts, listedEntries, listedPrompts } from "./givenBack.js";
import type { SessionUseCases } from "./sessionUseCases.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

type Empty = Record<string, never>;

/** The use cases of queues. Each throws the errors that its method declares. */
export class QueueUseCases {
  readonly #workspaces: WorkspaceRegistry;
  readonly #sessions: SessionUseCases;

  constructor(workspaces: WorkspaceRegistry, sessions: SessionUseCases) {
    this.#workspaces = workspaces;
    this.#sessions = sessions;
  }

  /** `queuedPrompts` */
  count(params: Params<"queuedPrompts">): Result<"queuedPrompts"> {
    return { count: this.#sessions.get(params).queuedPrompts };
  }

  /** `queuedPromptsList` */
  texts(params: Params<"queuedPromptsList">): Result<"queuedPromptsList"> {
    return listedPrompts(this.#queue(params).texts(params.sessionId));
  }

  /** `clearQueue` */
  clear(params: Params<"clearQueue">, caller: Caller): Result<"clearQueue"> {
    const queue = this.#queue(params);
    const waited = queue.waiting.endAll(params.sessionId, "user", true);
    if (waited.length > 0) {
      const texts = waited.map(({ prompt = "", clientId }) => ({ text: prompt, clientId }));
      return { cleared: waited.length, ...clearedPrompts(texts, caller.clientId) };
    }
    const dropped = queue.prompts(params.sessionId);
    const cleared = queue.clear(params.sessionId);
    return { cleared, ...clearedPrompts(dropped, caller.clientId) };
  }

  /** `listQueue` */
  list(params: Params<"listQueue">): Result<"listQueue"> {
    const { entries, paused } = this.#queue(params).list(params.sessionId);
    return { entries: listedEntries(entries), paused };
  }

  /** `editQueued` */
  edit(params: Params<"editQueued">): Result<"editQueued"> {
    const { sessionId, queueId, prompt } = params;
    const queue = this.#queue(params);
    const { attachments } = queue.prompt(sessionId, queueId);
    if (prompt.trim() === "" && !attachments.some(isText)) throw emptyPrompt();
    return queue.edit(sessionId, queueId, prompt);
  }

  /** `moveQueued` */
  move(params: Params<"moveQueued">): Empty {
    this.#queue(params).move(params.sessionId, params.queueId, params.before);
    return {};
  }

  /** `removeQueued` */
  remove(params: Params<"removeQueued">): Empty {
    this.#queue(params).remove(params.sessionId, params.queueId);
    return {};
  }

  /** `pauseQueue` */
  pause(params: Params<"pauseQueue">): Empty {
    this.#queue(params).pause(params.sessionId);
    return {};
  }

  /** `resumeQueue` */
  resume(params: Params<"resumeQueue">): Empty {
    this.#queue(params).resume(params.sessionId);
    return {};
  }

  #queue(params: { workspaceId: string; sessionId: string }): SessionQueue {
    const workspace = this.#workspaces.get(params.workspaceId);
    this.#sessions.find(workspace, params.sessionId);
    return workspace.coordinator.queue;
  }
}
