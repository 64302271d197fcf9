// Asks clients for permission, and for input for tool servers (protocol.md section 7). A missing
// handler, an error, a malformed answer and a lost client all count as no answer.
import {
  type CancellationToken,
  CancellationTokenSource,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import { Deferred } from "../base/deferred.js";
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
   * Asks the client `clientId`, on all its connections: the first valid answer counts. If that one is not connected, any other connected client is asked,
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
    return this.#put(asked, "requestInput", question, signal);
  }

  /** The client's connections that can answer. */
  #asked(clientId: string, can: (one: Askable) => boolean): Askable[] {
    const all = [...this.#connections];
    const own = all.filter((one) => one.clientId === clientId || one.earlierId === clientId);
    const asked = own.length === 0 && !this.#isShared ? all.slice(0, 1) : own;
    return asked.filter(can);
  }

  async #put<M extends Question>(
    asked: readonly Askable[],
    method: M,
    question: object,
    signal: AbortSignal,
  ): Promise<Answer<M> | undefined> {
    if (asked.length === 0) return undefined;
    const first = new Deferred<Answer<M> | undefined>();
    const open = new Set<CancellationTokenSource>();
    for (const { connection } of asked) {
      const source = new CancellationTokenSource();
      open.add(source);
      void this.#send(connection, method, question, source.token).then((answer) => {
        open.delete(source);
        source.dispose();
        if (answer !== undefined || open.size === 0) first.resolve(answer);
      });
    }
    try {
      return await untilAborted(first.promise, signal);
    } finally {
      // Withdraws the question where it was not answered.
      for (const source of open) source.cancel();
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
