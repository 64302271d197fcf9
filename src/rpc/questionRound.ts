// One question as it is put to connections: the first valid answer counts, and the question is
// withdrawn where it was not answered (protocol.md section 7).
import { CancellationTokenSource } from "vscode-jsonrpc/node";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { serverMethods } from "../protocol/registry.js";
import type { Askable } from "./askable.js";
import { isLost } from "./clientRequest.js";

type Question = keyof typeof serverMethods;

/** The answer to a request of the server. */
export type Answer<M extends Question> = ReturnType<
  ReturnType<(typeof serverMethods)[M]["result"]>["parse"]
>;

/** What is told of a round. */
export interface RoundListener<M extends Question> {
  /** The first valid answer; called at most once, and by nothing after {@link QuestionRound.end}. */
  onAnswer(answer: Answer<M>): void;
  /** A connection gave no valid answer, or is lost. */
  onNone(): void;
}

/** One question. */
export class QuestionRound<M extends Question> {
  readonly #method: M;
  readonly #question: object;
  readonly #log: Log;
  readonly #listener: RoundListener<M>;
  readonly #open = new Map<Askable, CancellationTokenSource>();
  /** Connections that had the question and gave no valid answer. */
  readonly #failed = new Set<Askable>();
  #isOver = false;

  constructor(method: M, question: object, log: Log, listener: RoundListener<M>) {
    this.#method = method;
    this.#question = question;
    this.#log = log;
    this.#listener = listener;
  }

  /** Whether a connection may still answer. */
  get isOut(): boolean {
    return this.#open.size > 0;
  }

  /** Whether a connection had the question and gave no valid answer. */
  hasFailed(connection: Askable): boolean {
    return this.#failed.has(connection);
  }

  /** Puts the question to a connection, unless it has it or had it. */
  put(asked: Askable): void {
    if (this.#isOver || this.#open.has(asked) || this.#failed.has(asked)) return;
    const source = new CancellationTokenSource();
    this.#open.set(asked, source);
    void this.#send(asked, source).then(({ answer, isGone }) => {
      if (this.#open.delete(asked) && !isGone && answer === undefined) this.#failed.add(asked);
      source.dispose();
      if (this.#isOver) return;
      if (answer === undefined) this.#listener.onNone();
      else this.#listener.onAnswer(answer);
    });
  }

  /** The connection is gone: it counts as one that was never asked. */
  drop(asked: Askable): void {
    this.#failed.delete(asked);
    this.#open.get(asked)?.cancel();
    this.#open.delete(asked);
  }

  /** Withdraws the question where it was not answered. */
  end(): void {
    this.#isOver = true;
    for (const source of this.#open.values()) source.cancel();
  }

  async #send(
    { connection }: Askable,
    { token }: CancellationTokenSource,
  ): Promise<{ readonly answer?: Answer<M> | undefined; readonly isGone?: true }> {
    const method = this.#method;
    try {
      return { answer: this.#parse(await connection.sendRequest(method, this.#question, token)) };
    } catch (error) {
      this.#log.info({ method, reason: messageOf(error) }, "a question was not answered");
      return isLost(error) ? { isGone: true } : {};
    }
  }

  #parse(result: unknown): Answer<M> | undefined {
    const parsed = serverMethods[this.#method].result().safeParse(result);
    if (parsed.success) return parsed.data as Answer<M>;
    this.#log.warn({ method: this.#method }, "a question got a malformed answer");
    return undefined;
  }
}
