// JSON-RPC with an agent's program, in both directions.
import { Deferred } from "../base/deferred.js";
import { type AgentGone, AgentRefused } from "./agentErrors.js";
import { type Json, object, text } from "./reading.js";

/** The end of the connection that is ours. */
export interface ConnectionHandlers {
  send(message: object): void;
  /** Answers a request of the agent. Undefined if there is no such method. */
  onRequest(method: string, params: Json, signal: AbortSignal): Promise<object> | undefined;
  onNotification(method: string, params: Json): void;
}

const methodNotFound = { code: -32601, message: "Method not found" };
const requestCancelled = { code: -32800, message: "Request cancelled" };
const tooMany = { code: -32603, message: "Too many requests of yours wait for their answers" };
const internalError = { code: -32603, message: "The request could not be answered" };

/** The most requests of an agent that are answered at a time: a person may let each of them wait. */
const mostAnswering = 1_000;

/** A request of ours that is not answered yet. */
interface Asked {
  readonly answer: Deferred<Json>;
  readonly onAnswer: (result: Json | undefined) => void;
}

/** A connection to an agent. */
export class AgentConnection {
  readonly #handlers: ConnectionHandlers;
  readonly #asked = new Map<number, Asked>();
  /** The agent's requests that are being answered, by their ids as JSON. */
  readonly #answering = new Map<string, AbortController>();
  #open = 0;
  #lastId = 0;
  #gone: AgentGone | undefined;

  constructor(handlers: ConnectionHandlers) {
    this.#handlers = handlers;
  }

  /**
   * Sends a request. `onAnswer` is called with the result, or undefined for an error, before the next
   * message is taken; the promise is settled after those that came together with the answer.
   *
   * @throws AgentRefused if the agent answers with an error; AgentGone if it ends before it answers.
   */
  request(
    method: string,
    params: object,
    onAnswer: (result: Json | undefined) => void = () => {},
  ): Promise<Json> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    const answer = new Deferred<Json>();
    this.#asked.set(id, { answer, onAnswer });
    this.#handlers.send({ jsonrpc: "2.0", id, method, params });
    return answer.promise;
  }

  notify(method: string, params: object): void {
    if (this.#gone === undefined) this.#handlers.send({ jsonrpc: "2.0", method, params });
  }

  /** Takes a message. An answer that nobody waits for, such as a second one, is passed over. */
  receive(message: object): void {
    const { id, method, params, result, error } = object(message);
    if (typeof method === "string") {
      if (id === undefined) this.#notified(method, object(params));
      else void this.#answer(id, method, object(params));
      return;
    }
    const asked = typeof id === "number" ? this.#asked.get(id) : undefined;
    if (asked === undefined) return;
    this.#asked.delete(Number(id));
    const isError = error !== undefined && error !== null;
    asked.onAnswer(isError ? undefined : object(result));
    if (isError) asked.answer.reject(new AgentRefused(error));
    else asked.answer.resolve(object(result));
  }

  /** The agent has ended: every open request fails, every question is withdrawn. */
  close(reason: AgentGone): void {
    this.#gone ??= reason;
    for (const [id, { answer }] of this.#asked) {
      this.#asked.delete(id);
      answer.reject(reason);
    }
    for (const asking of this.#answering.values()) asking.abort(reason);
  }

  #notified(method: string, params: Json): void {
    if (method === "$/cancel_request") {
      this.#answering.get(JSON.stringify(params.requestId))?.abort(new Error("withdrawn"));
      return;
    }
    this.#handlers.onNotification(method, params);
  }

  /** The id may be anything, also 0 or null. */
  async #answer(id: unknown, method: string, params: Json): Promise<void> {
    if (this.#open >= mostAnswering) return this.#reply(id, { error: tooMany });
    this.#open += 1;
    const key = JSON.stringify(id);
    const asking = new AbortController();
    this.#answering.set(key, asking);
    try {
      const result = await this.#handlers.onRequest(method, params, asking.signal);
      this.#reply(id, result === undefined ? { error: methodNotFound } : { result });
    } catch {
      // The reason is ours, and nothing that the agent could use.
      this.#reply(id, { error: asking.signal.aborted ? requestCancelled : internalError });
    } finally {
      this.#open -= 1;
      if (this.#answering.get(key) === asking) this.#answering.delete(key);
    }
  }

  #reply(id: unknown, body: object): void {
    if (this.#gone === undefined) this.#handlers.send({ jsonrpc: "2.0", id, ...body });
  }
}

/** The session that params name. */
export function sessionIn(params: Json): string {
  return text(params.sessionId) ?? "";
}
