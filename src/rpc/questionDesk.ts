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
  readonly #connections = new Set<Askable>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Adds a connection; returns the function that removes it. */
  add(connection: Askable): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }

  /**
   * Asks the client `clientId`, or any other connected client if that one is not connected.
   * Resolves with undefined if there is no answer. When the signal is aborted, the question is
   * withdrawn with `$/cancelRequest`, and the promise rejects with the signal's reason.
   */
  async ask(
    clientId: string,
    question: PermissionQuestion,
    signal: AbortSignal,
  ): Promise<PermissionAnswer | undefined> {
    signal.throwIfAborted();
    const asked = this.#asked(clientId);
    if (asked === undefined || !asked.canAnswer) return undefined;
    return this.#put(asked, "requestPermission", question, signal);
  }

  /** Asks for input for a tool server; like {@link QuestionDesk.ask}. */
  async requestInput(
    clientId: string,
    question: InputRequest,
    signal: AbortSignal,
  ): Promise<InputAnswer | undefined> {
    signal.throwIfAborted();
    const asked = this.#asked(clientId);
    if (asked === undefined || !asked.canGiveInput) return undefined;
    return this.#put(asked, "requestInput", question, signal);
  }

  #asked(clientId: string): Askable | undefined {
    const connections = [...this.#connections];
    return connections.find((one) => one.clientId === clientId) ?? connections[0];
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
