// Asks clients for permission, and for input for tool servers (protocol.md section 7). A missing
// handler, an error, a malformed answer and a lost client all count as no answer.
import {
  type CancellationToken,
  CancellationTokenSource,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { untilAborted } from "../base/untilAborted.js";
import {
  type InputAnswer,
  type InputRequest,
  type PermissionAnswer,
  type PermissionQuestion,
  serverMethods,
} from "../protocol/registry.js";

/** A connection that questions can go to. */
export interface Askable {
  readonly clientId: string;
  /** The identity that the connection had until the client told its own. */
  readonly earlierId?: string;
  /** Whether it answers `requestPermission`, and `requestInput`. */
  readonly canAnswer: boolean;
  readonly canGiveInput: boolean;
  readonly connection: MessageConnection;
}

type Question = keyof typeof serverMethods;
type Answer<M extends Question> = ReturnType<
  ReturnType<(typeof serverMethods)[M]["result"]>["parse"]
>;

/** Sends questions to clients. */
export class QuestionDesk {
  readonly #log: Log;
  readonly #isShared: boolean;
  readonly #connections = new Set<Askable>();

  /** `isShared`: the clients are strangers to each other, and none is asked in another's place. */
  constructor(log: Log, isShared = false) {
    this.#log = log;
    this.#isShared = isShared;
  }

  /** Adds a connection; returns the function that removes it. */
  add(connection: Askable): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }

  /**
   * Asks the client `clientId`. If that one is not connected, any other connected client is asked,
   * unless the clients are strangers.
   * Resolves with undefined if there is no answer. When the signal is aborted, the question is
   * withdrawn with `$/cancelRequest`, and the promise rejects with the signal's reason.
   */
  async ask(
    clientId: string,
    question: PermissionQuestion,
    signal: AbortSignal,
  ): Promise<PermissionAnswer | undefined> {
    signal.throwIfAborted();
    const asked = this.#asked(clientId, ({ canAnswer }) => canAnswer);
    if (asked === undefined) return undefined;
    return this.#put(asked, "requestPermission", question, signal);
  }

  /** Asks for input for a tool server; like {@link QuestionDesk.ask}. */
  async requestInput(
    clientId: string,
    question: InputRequest,
    signal: AbortSignal,
  ): Promise<InputAnswer | undefined> {
    signal.throwIfAborted();
    const asked = this.#asked(clientId, ({ canGiveInput }) => canGiveInput);
    if (asked === undefined) return undefined;
    return this.#put(asked, "requestInput", question, signal);
  }

  /** The newest of the client's connections that can answer. */
  #asked(clientId: string, can: (one: Askable) => boolean): Askable | undefined {
    const newestFirst = [...this.#connections].reverse();
    const own = newestFirst.filter(
      (one) => one.clientId === clientId || one.earlierId === clientId,
    );
    const asked = own.length === 0 && !this.#isShared ? [...this.#connections].slice(0, 1) : own;
    return asked.find(can);
  }

  async #put<M extends Question>(
    asked: Askable,
    method: M,
    question: object,
    signal: AbortSignal,
  ): Promise<Answer<M> | undefined> {
    const cancellation = new CancellationTokenSource();
    try {
      const answer = this.#send(asked.connection, method, question, cancellation.token);
      return await untilAborted(answer, signal);
    } finally {
      // Withdraws the question, if it was not answered.
      if (signal.aborted) cancellation.cancel();
      cancellation.dispose();
    }
  }

  async #send<M extends Question>(
    connection: MessageConnection,
    method: M,
    question: object,
    token: CancellationToken,
  ): Promise<Answer<M> | undefined> {
    try {
      return this.#parse(method, await connection.sendRequest(method, question, token));
    } catch (error) {
      this.#log.info({ method, reason: messageOf(error) }, "a question was not answered");
      return undefined;
    }
  }

  #parse<M extends Question>(method: M, result: unknown): Answer<M> | undefined {
    const parsed = serverMethods[method].result().safeParse(result);
    if (parsed.success) return parsed.data as Answer<M>;
    this.#log.warn({ method }, "a question got a malformed answer");
    return undefined;
  }
}
