// An open question of a run of this server: to whom it is put, how long it waits, and which answer
// counts (protocol.md section 7, Questions that wait).
import type { Clock, Timer } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import {
  type PermissionAnswer,
  type PermissionQuestion,
  serverMethods,
} from "../protocol/registry.js";
import type { Askable } from "./askable.js";
import type { BookedQuestion, QuestionBook } from "./questionBook.js";
import { QuestionRound } from "./questionRound.js";

/** The run that asks. */
export interface AskedRun {
  /** Its place among all runs of the data directory. */
  readonly position: number;
  readonly clientId: string;
  /** How long a question waits while no connection of the client lives; 0: not at all. */
  readonly permissionSeconds: number;
  /** Whether the next server asks again what is open when this one is gone. */
  readonly goesOn?: () => boolean;
  /** Whether it belongs to this server no more. */
  readonly isLeft?: () => boolean;
  /** The same question, if an earlier server has asked it. */
  readonly left?: BookedQuestion;
}

/** What a question needs. */
export interface OwnQuestionParts {
  readonly run: AskedRun;
  /** Works it out anew; undefined: nobody needs to be asked any more. A changed one has another id. */
  readonly anew: () => Promise<PermissionQuestion | undefined>;
  /** The connections that it can be put to now. */
  readonly connections: () => readonly Askable[];
  readonly book: QuestionBook;
  readonly clock: Clock;
  readonly log: Log;
}

/** The longest time between two looks at what other servers stored, in milliseconds. */
const betweenLooksMs = 1000;
/** How often it is noted at most that the server of a question lives, in milliseconds. */
const betweenSightsMs = 30_000;
/** How often the removal of a question is tried again while the disk refuses. */
const mostTries = 60;

/** The answer of a stored text; undefined if it is none. */
function answerIn(text: string): PermissionAnswer | undefined {
  try {
    const parsed = serverMethods.requestPermission.result().safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Damaged text is no answer.
    return undefined;
  }
}

/** One open question. */
export class OwnQuestion {
  readonly #parts: OwnQuestionParts;
  readonly #result = new Deferred<PermissionAnswer | undefined>();
  #question: PermissionQuestion;
  #askedAt: number;
  #expiresAt: number | undefined;
  #round: QuestionRound<"requestPermission">;
  #timer: Timer | undefined;
  #isSaved = false;
  #seenAt: number;
  #isOver = false;
  #isWorkedOut: "no" | "under way" | "again" = "no";

  constructor(question: PermissionQuestion, parts: OwnQuestionParts) {
    this.#parts = parts;
    this.#question = question;
    const { left } = parts.run;
    this.#seenAt = parts.clock.now();
    this.#askedAt = left?.askedAt ?? this.#seenAt;
    this.#expiresAt = left?.expiresAt;
    this.#isSaved = left !== undefined;
    this.#round = this.#newRound();
  }

  get clientId(): string {
    return this.#parts.run.clientId;
  }

  get question(): PermissionQuestion {
    return this.#question;
  }

  /** In milliseconds since the Unix epoch. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** In milliseconds since the Unix epoch; undefined while its client is connected. */
  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  /** Resolves with the answer; with undefined if there is none, or nobody needs to be asked any more. */
  get result(): Promise<PermissionAnswer | undefined> {
    return this.#result.promise;
  }

  /** Puts it to everybody who is there. */
  begin(): void {
    if (this.#isSaved && this.#isDecided()) return;
    // Whoever has heard of it finds it again in the next server.
    if (this.#waits) this.#save();
    this.#put();
    this.#judge();
    if (this.#waits && !this.#isOver) this.#lookLater();
  }

  /** Whether it was answered, or its time has come, while no server had its run. */
  #isDecided(): boolean {
    const { book, clock } = this.#parts;
    const stored = this.#guard(() => book.answer(this.#question.permissionId));
    if (stored !== undefined) this.end(answerIn(stored));
    else if (this.#expiresAt !== undefined && clock.now() >= this.#expiresAt) this.end();
    return this.#isOver;
  }

  /** A connection has come that it may go to: it is worked out anew, and then put to it. */
  arrive(): void {
    if (this.#isWorkedOut !== "no") {
      this.#isWorkedOut = "again";
      return;
    }
    this.#isWorkedOut = "under way";
    this.#workOut().then(
      () => this.#judge(),
      (error: unknown) => {
        this.#isWorkedOut = "no";
        // The turn is cancelled, and so withdraws the question.
        this.#parts.log.info({ reason: messageOf(error) }, "a question was not worked out anew");
      },
    );
  }

  /** A connection has gone. */
  leave(connection: Askable): void {
    this.#round.drop(connection);
    this.#judge();
  }

  /** Takes an answer; false if another one counts. */
  answer(answer: PermissionAnswer): boolean {
    return !this.#isOver && this.end(answer) === answer;
  }

  /** Ends it, with the answer that another server has stored if there is one; returns what counts. */
  end(answer?: PermissionAnswer): PermissionAnswer | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#round.end();
    const isToGo = this.#isSaved && this.#parts.run.isLeft?.() !== true;
    const stored = isToGo ? this.#close(this.#question.permissionId) : undefined;
    const counts = stored ?? answer;
    this.#result.resolve(counts);
    return counts;
  }

  get #waits(): boolean {
    return this.#parts.run.permissionSeconds > 0;
  }

  #newRound() {
    return new QuestionRound("requestPermission", this.#question, this.#parts.log, {
      onAnswer: (answer) => void this.answer(answer),
      onNone: () => this.#judge(),
    });
  }

  #put(): void {
    for (const one of this.#parts.connections()) if (one.canAnswer) this.#round.put(one);
  }

  async #workOut(): Promise<void> {
    do {
      this.#isWorkedOut = "under way";
      const now = await this.#parts.anew();
      if (this.#isOver) return;
      if (now === undefined) return void this.end();
      if (now.permissionId !== this.#question.permissionId) this.#replace(now);
    } while (this.#wasAskedAgain());
    this.#isWorkedOut = "no";
    this.#put();
  }

  #wasAskedAgain(): boolean {
    return this.#isWorkedOut === "again";
  }

  /** What would happen is something else now, so an answer to the old question allows nothing. */
  #replace(question: PermissionQuestion): void {
    this.#round.end();
    if (this.#isSaved) this.#close(this.#question.permissionId);
    this.#question = question;
    this.#askedAt = this.#parts.clock.now();
    this.#round = this.#newRound();
    if (this.#waits) this.#save();
  }

  /** Whether it goes on to wait, and until when. */
  #judge(): void {
    if (this.#isOver) return;
    const present = this.#parts.connections();
    const able = present.filter(({ canAnswer }) => canAnswer);
    const hasFailed = able.length > 0 && able.every((one) => this.#round.hasFailed(one));
    const { clock, run } = this.#parts;
    if (this.#round.isOut) this.#wait(undefined);
    else if (!this.#waits || hasFailed) this.end();
    else if (present.length > 0 || this.#isElsewhere()) this.#wait(undefined);
    else this.#wait(this.#expiresAt ?? clock.now() + run.permissionSeconds * 1000);
  }

  #wait(until: number | undefined): void {
    if (until === this.#expiresAt) return;
    this.#expiresAt = until;
    if (this.#isSaved) this.#save();
    if (this.#timer !== undefined) this.#lookLater();
  }

  #lookLater(): void {
    const { clock } = this.#parts;
    this.#timer?.cancel();
    const left = (this.#expiresAt ?? Number.MAX_SAFE_INTEGER) - clock.now();
    this.#timer = clock.after(Math.max(0, Math.min(left, betweenLooksMs)), () => {
      this.#look();
      if (!this.#isOver) this.#lookLater();
    });
  }

  /** Other servers may have connections of the client, and its answer. */
  #look(): void {
    const { book, clock } = this.#parts;
    if (!this.#isSaved) this.#save();
    this.#noteSeen();
    const stored = this.#guard(() => book.answer(this.#question.permissionId));
    if (stored !== undefined) this.end(answerIn(stored));
    else if (this.#expiresAt === undefined) this.#judge();
    else if (this.#isElsewhere()) this.arrive();
    else if (clock.now() >= this.#expiresAt) this.end();
  }

  /** From when the time of a question runs on if this server is lost. */
  #noteSeen(): void {
    const { book, clock, run } = this.#parts;
    const often = Math.min(betweenSightsMs, run.permissionSeconds * 250);
    if (run.goesOn?.() !== true || clock.now() - this.#seenAt < often) return;
    this.#seenAt = clock.now();
    this.#guard(() => book.seen(this.#question.permissionId, this.#seenAt));
  }

  #isElsewhere(): boolean {
    return this.#guard(() => this.#parts.book.isElsewhere(this.clientId)) ?? false;
  }

  #save(): void {
    const { book, run } = this.#parts;
    const saved: BookedQuestion = {
      permissionId: this.#question.permissionId,
      run: run.position,
      clientId: run.clientId,
      body: JSON.stringify(this.#question),
      askedAt: this.#askedAt,
      expiresAt: this.#expiresAt,
    };
    this.#isSaved =
      this.#guard(() => {
        book.save(saved);
        return true;
      }) ?? false;
  }

  #close(permissionId: string, triesLeft = mostTries): PermissionAnswer | undefined {
    const { book, clock } = this.#parts;
    const closed = this.#guard(() => ({ answer: book.close(permissionId) }));
    if (closed === undefined && triesLeft > 0) {
      clock.after(betweenLooksMs, () => this.#close(permissionId, triesLeft - 1));
    }
    return closed?.answer === undefined ? undefined : answerIn(closed.answer);
  }

  /** Without the disk, the question goes on with the connections of this server. */
  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#parts.log.warn({ reason: messageOf(error) }, "a stored question could not be reached");
      return undefined;
    }
  }
}
