// An open question of a run of this server: to whom it is put, how long it waits, and which answer
// counts (protocol.md section 7, Questions that wait).
import type { Clock, Timer } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";
import type { Askable } from "./askable.js";
import type { AskedRun } from "./askedRun.js";
import { OwnEntry } from "./ownEntry.js";
import type { QuestionBook } from "./questionBook.js";
import { QuestionRound } from "./questionRound.js";

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

/** One open question. */
export class OwnQuestion {
  readonly #parts: OwnQuestionParts;
  readonly #result = new Deferred<PermissionAnswer | undefined>();
  #question: PermissionQuestion;
  #askedAt: number;
  #expiresAt: number | undefined;
  #round: QuestionRound<"requestPermission">;
  #timer: Timer | undefined;
  readonly #entry: OwnEntry;
  #isOver = false;
  #isWorkedOut: "no" | "under way" | "again" = "no";

  constructor(question: PermissionQuestion, parts: OwnQuestionParts) {
    this.#parts = parts;
    this.#question = question;
    const { left } = parts.run;
    this.#askedAt = left?.askedAt ?? parts.clock.now();
    this.#expiresAt = left?.expiresAt;
    this.#entry = new OwnEntry(parts);
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
    if (this.#entry.isSaved && this.#isDecided()) return;
    // Whoever has heard of it finds it again in the next server.
    if (this.#waits) this.#save();
    this.#put();
    this.#judge();
    if (this.#waits && !this.#isOver) this.#lookLater();
  }

  /** Whether it was answered, or its time has come, while no server had its run. */
  #isDecided(): boolean {
    const { clock } = this.#parts;
    const stored = this.#entry.stored(this.#question.permissionId);
    if (stored !== undefined) this.end(stored.answer);
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
    if (this.#isOver) return false;
    const { isLeft } = this.#entry;
    if (isLeft) return this.#entry.handOn(this.#question.permissionId, answer);
    return this.end(answer) === answer;
  }

  /** Whether this server still asks it, and no other one has stored an answer. */
  get isOpen(): boolean {
    const { permissionId } = this.#question;
    return !this.#isOver && !this.#entry.isLeft && this.#entry.stored(permissionId) === undefined;
  }

  /** Ends it, with the answer that another server has stored if there is one; returns what counts. */
  end(answer?: PermissionAnswer): PermissionAnswer | undefined {
    if (this.#isOver) return undefined;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#round.end();
    const counts = this.#entry.end(this.#question.permissionId, answer) ?? answer;
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
      // Whoever has the run now works it out.
      if (this.#entry.isLeft) break;
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
    this.#entry.remove(this.#question.permissionId);
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
    else if (present.length > 0 || this.#entry.isClientElsewhere) this.#wait(undefined);
    else this.#wait(this.#expiresAt ?? clock.now() + run.permissionSeconds * 1000);
  }

  #wait(until: number | undefined): void {
    if (until === this.#expiresAt) return;
    this.#expiresAt = until;
    if (this.#entry.isSaved) this.#save();
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
    const { clock } = this.#parts;
    const { permissionId } = this.#question;
    if (!this.#entry.isSaved) this.#save();
    this.#entry.noteSeen(permissionId);
    const stored = this.#entry.stored(permissionId);
    if (stored !== undefined) this.end(stored.answer);
    else if (this.#expiresAt === undefined) this.#judge();
    else if (this.#entry.isClientElsewhere) this.arrive();
    else if (clock.now() >= this.#expiresAt) this.end();
  }

  #save(): void {
    this.#entry.save({
      permissionId: this.#question.permissionId,
      body: JSON.stringify(this.#question),
      askedAt: this.#askedAt,
      expiresAt: this.#expiresAt,
    });
  }
}
