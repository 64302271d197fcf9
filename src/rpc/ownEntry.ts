// What the book says of one open question of this server. Without the disk, the question goes on with the
// connections of this server (protocol.md section 7, Questions that wait).
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { type PermissionAnswer, serverMethods } from "../protocol/registry.js";
import type { AskedRun } from "./askedRun.js";
import type { BookedQuestion, QuestionBook } from "./questionBook.js";

/** How long it is until the removal of a question is tried again while the disk refuses, in milliseconds. */
const betweenTriesMs = 1000;
/** How often that is. */
const mostTries = 60;
/** How often it is noted at most that the server of a question lives, in milliseconds. */
const betweenSightsMs = 30_000;

/** What the entry of a question needs. */
interface EntryParts {
  readonly run: AskedRun;
  readonly book: QuestionBook;
  readonly clock: Clock;
  readonly log: Log;
}

/** The answer of a stored text; undefined if it is none. */
function answerIn(text: string | undefined): PermissionAnswer | undefined {
  if (text === undefined) return undefined;
  try {
    const parsed = serverMethods.requestPermission.result().safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Damaged text is no answer.
    return undefined;
  }
}

/** The entry of a question in the book. No function throws. */
export class OwnEntry {
  readonly #parts: EntryParts;
  #isSaved: boolean;
  #seenAt: number;

  constructor(parts: EntryParts) {
    this.#parts = parts;
    this.#isSaved = parts.run.left !== undefined;
    this.#seenAt = parts.clock.now();
    const { left } = parts.run;
    // Its time does not run from when an earlier server lived last.
    if (left !== undefined) this.#guard(() => parts.book.seen(left.permissionId, this.#seenAt));
  }

  get isSaved(): boolean {
    return this.#isSaved;
  }

  /** Whether the run belongs to this server no more: whoever has it asks on. */
  get isLeft(): boolean {
    return this.#guard(() => this.#parts.run.isLeft?.()) ?? false;
  }

  get isClientElsewhere(): boolean {
    const { book, run } = this.#parts;
    return this.#guard(() => book.isElsewhere(run.clientId)) ?? false;
  }

  /** What another server has stored; the answer is undefined if that is damaged. */
  stored(permissionId: string): { readonly answer: PermissionAnswer | undefined } | undefined {
    const text = this.#guard(() => this.#parts.book.answer(permissionId));
    return text === undefined ? undefined : { answer: answerIn(text) };
  }

  save(question: Omit<BookedQuestion, "run" | "clientId">): void {
    const { book, run } = this.#parts;
    const { position, clientId } = run;
    this.#isSaved =
      this.#guard(() => {
        book.save({ ...question, run: position, clientId });
        return true;
      }) ?? false;
  }

  /** From when the time of a question runs on if this server is lost. */
  noteSeen(permissionId: string): void {
    const { book, clock, run } = this.#parts;
    const often = Math.min(betweenSightsMs, run.permissionSeconds * 250);
    if (run.goesOn?.() !== true || clock.now() - this.#seenAt < often) return;
    this.#seenAt = clock.now();
    this.#guard(() => book.seen(permissionId, this.#seenAt));
  }

  /** The question is answered, or over. Returns the answer that another server has stored, if one has. */
  end(permissionId: string, answer?: PermissionAnswer): PermissionAnswer | undefined {
    if (!this.#isSaved || this.isLeft) return undefined;
    const { book, run } = this.#parts;
    if (answer === undefined || run.goesOn?.() !== true) return this.remove(permissionId);
    // It stays until the call has begun with it: if this server is lost before, the next one finds it.
    const text = JSON.stringify(answer);
    const counts = this.#guard(() => book.settle(permissionId, text));
    return counts === text ? undefined : answerIn(counts);
  }

  /** Removes a question; returns the answer that another server has stored. */
  remove(permissionId: string, triesLeft = mostTries): PermissionAnswer | undefined {
    if (!this.#isSaved) return undefined;
    const { book, clock } = this.#parts;
    const closed = this.#guard(() => ({ answer: book.close(permissionId) }));
    if (closed === undefined && triesLeft > 0) {
      clock.after(betweenTriesMs, () => this.remove(permissionId, triesLeft - 1));
    }
    return answerIn(closed?.answer);
  }

  /** An answer for the server that has the run now, or will have it; false if it has one already. */
  handOn(permissionId: string, answer: PermissionAnswer): boolean {
    const { book, clock, run } = this.#parts;
    const give = () => book.give(permissionId, run.clientId, JSON.stringify(answer), clock.now());
    return this.#guard(give) ?? false;
  }

  #guard<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#parts.log.warn({ reason: messageOf(error) }, "a stored question could not be reached");
      return undefined;
    }
  }
}
