// Asks clients for permission (protocol.md section 7). No handler, an error, a malformed answer or the
// client's going away counts as no answer.
import {
  type CancellationToken,
  CancellationTokenSource,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { untilAborted } from "../base/untilAborted.js";
import {
  type PermissionAnswer,
  type PermissionQuestion,
  serverMethods,
} from "../protocol/registry.js";

/** A connection that questions can go to. */
export interface Askable {
  readonly clientId: string;
  readonly canAnswer: boolean;
  readonly connection: MessageConnection;
}

/** Where questions go. */
export class QuestionDesk {
  readonly #log: Log;
  readonly #connections = new Set<Askable>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Makes a connection known; returns how to take it out again. */
  add(connection: Askable): () => void {
    this.#connections.add(connection);
    return () => this.#connections.delete(connection);
  }

  /**
   * Asks the client `clientId`, or whoever is connected where that one is not. Resolves with
   * undefined where there is no answer; rejects with the signal's reason once it is aborted, and the
   * question is withdrawn with `$/cancelRequest` then.
   */
  async ask(
    clientId: string,
    question: PermissionQuestion,
    signal: AbortSignal,
  ): Promise<PermissionAnswer | undefined> {
    signal.throwIfAborted();
    const connections = [...this.#connections];
    const asked = connections.find((one) => one.clientId === clientId) ?? connections[0];
    if (asked === undefined || !asked.canAnswer) return undefined;
    const cancellation = new CancellationTokenSource();
    try {
      const answer = this.#send(asked.connection, question, cancellation.token);
      return await untilAborted(answer, signal);
    } finally {
      // Withdraws the question, where it was not answered.
      if (signal.aborted) cancellation.cancel();
      cancellation.dispose();
    }
  }

  async #send(
    connection: MessageConnection,
    question: PermissionQuestion,
    token: CancellationToken,
  ): Promise<PermissionAnswer | undefined> {
    try {
      return this.#parse(await connection.sendRequest("requestPermission", question, token));
    } catch (error) {
      this.#log.info({ reason: messageOf(error) }, "a permission question was not answered");
      return undefined;
    }
  }

  #parse(result: unknown): PermissionAnswer | undefined {
    const parsed = serverMethods.requestPermission.result().safeParse(result);
    if (parsed.success) return parsed.data;
    this.#log.warn({}, "a permission question got a malformed answer");
    return undefined;
  }
}
