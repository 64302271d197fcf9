// Puts the questions of other servers to their clients, where those are connected here (protocol.md
// section 7, Questions that wait).
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionAnswer } from "../protocol/registry.js";
import { type Askable, isOf } from "./askable.js";
import type { BookedQuestion, QuestionBook } from "./questionBook.js";
import { QuestionRound } from "./questionRound.js";

/** What this needs. */
interface OthersOptions {
  /** Every connection of this server. */
  readonly connections: () => Iterable<Askable>;
  readonly book: QuestionBook;
  readonly clock: Clock;
  readonly log: Log;
}

/** The questions of other servers that are put to connections here. */
export class OthersQuestions {
  readonly #options: OthersOptions;
  readonly #rounds = new Map<string, QuestionRound<"requestPermission">>();

  constructor(options: OthersOptions) {
    this.#options = options;
  }

  /**
   * Another server may have written: puts what is new, and withdraws what is over.
   *
   * @throws DomainError `StorageFailed`
   */
  look(): void {
    const { book, connections } = this.#options;
    const open = new Map(book.putByOthers().map((one) => [one.permissionId, one]));
    for (const [permissionId, round] of this.#rounds) {
      if (open.has(permissionId)) continue;
      round.end();
      this.#rounds.delete(permissionId);
    }
    for (const question of open.values()) {
      const able = [...connections()].filter(
        (one) => one.canAnswer && isOf(one, question.clientId),
      );
      for (const one of able) this.#round(question)?.put(one);
    }
  }

  /** A connection has gone. */
  drop(connection: Askable): void {
    for (const round of this.#rounds.values()) round.drop(connection);
  }

  #round(question: BookedQuestion): QuestionRound<"requestPermission"> | undefined {
    const known = this.#rounds.get(question.permissionId);
    if (known !== undefined) return known;
    const params = paramsIn(question);
    if (params === undefined) return undefined;
    const round = new QuestionRound("requestPermission", params, this.#options.log, {
      onAnswer: (answer) => this.#give(question, answer),
      // The server of the run decides how long it waits.
      onNone: () => {},
    });
    this.#rounds.set(question.permissionId, round);
    return round;
  }

  #give({ permissionId, clientId }: BookedQuestion, answer: PermissionAnswer): void {
    const { book, clock, log } = this.#options;
    this.#rounds.get(permissionId)?.end();
    try {
      book.give(permissionId, clientId, JSON.stringify(answer), clock.now());
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "an answer could not be stored; it is asked again");
      this.#rounds.delete(permissionId);
    }
  }
}

/** The params of a stored question; undefined if they are damaged. */
export function paramsIn({ body }: BookedQuestion): Record<string, unknown> | undefined {
  try {
    const params: unknown = JSON.parse(body);
    return typeof params === "object" && params !== null
      ? (params as Record<string, unknown>)
      : undefined;
  } catch {
    // It is left out: the server that asks it has it in memory.
    return undefined;
  }
}
