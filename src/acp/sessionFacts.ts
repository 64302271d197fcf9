// What an editor is told of a session beside its messages: title, use of the context, plan, mode. An
// update outside of a prompt confuses editors, so what changes then is told with the next prompt.
import type { PlanEntry, SessionUpdate } from "@agentclientprotocol/sdk";
import { defined } from "../base/defined.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { Session } from "../protocol/objects/session.js";
import type { NotificationParams } from "../protocol/registry.js";

type Todos = NotificationParams<"todosChanged">["todos"];

/** The facts of one session, each told when it has changed. */
export class SessionFacts {
  readonly #send: (update: SessionUpdate) => Promise<void>;
  /** By its kind: the text of what was told last, and what is to be told with the next prompt. */
  readonly #told = new Map<string, string>();
  readonly #held = new Map<string, SessionUpdate>();
  #mayModeChange = false;

  constructor(send: (update: SessionUpdate) => Promise<void>) {
    this.#send = send;
  }

  /** Tells what has changed since the last answer. */
  async tellHeld(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const update of held) await this.#tell(update, true);
  }

  /** The session as it is now; told at once while a prompt is open. */
  async session(session: Session, isOpen: boolean): Promise<void> {
    const { title, contextTokens, contextWindow, cost } = session;
    if (title !== "") await this.#tell({ sessionUpdate: "session_info_update", title }, isOpen);
    const usage = usageOf({ contextTokens, contextWindow, cost });
    if (usage !== undefined) await this.#tell(usage, isOpen);
  }

  /** The model's list of todos, as a plan. */
  async todos(todos: Todos, isOpen: boolean): Promise<void> {
    await this.#tell({ sessionUpdate: "plan", entries: todos.map(entryOf) }, isOpen);
  }

  /** What a completion tells; its answer has not been sent. */
  async completion({ sessionTitle }: RunComplete): Promise<void> {
    if (sessionTitle === undefined || sessionTitle === "") return;
    await this.#tell({ sessionUpdate: "session_info_update", title: sessionTitle }, true);
  }

  /** The person accepted a plan. */
  modeMayChange(): void {
    this.#mayModeChange = true;
  }

  /** Whether that was so since this was last asked. */
  takeModeMayChange(): boolean {
    const may = this.#mayModeChange;
    this.#mayModeChange = false;
    return may;
  }

  async #tell(update: SessionUpdate, isOpen: boolean): Promise<void> {
    const { sessionUpdate } = update;
    if (!isOpen) {
      this.#held.set(sessionUpdate, update);
      return;
    }
    const text = JSON.stringify(update);
    if (this.#told.get(sessionUpdate) === text) return;
    this.#told.set(sessionUpdate, text);
    await this.#send(update);
  }
}

function usageOf({
  contextTokens,
  contextWindow,
  cost,
}: Pick<Session, "contextTokens" | "contextWindow" | "cost">): SessionUpdate | undefined {
  if (contextTokens === undefined || contextWindow === undefined) return undefined;
  return {
    sessionUpdate: "usage_update",
    used: contextTokens,
    size: contextWindow,
    ...defined({ cost: cost > 0 ? { amount: cost, currency: "USD" } : undefined }),
  };
}

function entryOf({ text, status }: Todos[number]): PlanEntry {
  return {
    content: text,
    priority: "medium",
    status: status === "inProgress" ? "in_progress" : status,
  };
}
