// Deletes old messages of a session that is still used (protocol.md section 9).
import { readOr, storedTime } from "./damage.js";
import type { Database } from "./database.js";
import { MessageRemoval } from "./messageRemoval.js";
import { OpenRewinds } from "./openRewinds.js";
import { outOf } from "./rewoundMessages.js";
import { SessionForks } from "./sessionFork.js";

const messagesPerStep = 100;
/** After this many bytes a step deletes no further message. */
const bytesPerStep = 2 * 1024 * 1024;

/** A place with messages, and the last position there that may be deleted. */
interface Place {
  readonly id: string;
  readonly upTo: number;
}

/**
 * The old messages of used sessions. Only messages that no model gets any more are deleted: those that a
 * summary has replaced, and those that a rewind has removed. A turn is deleted as a whole, so that no
 * tool's result stays without its call.
 */
export class OldMessages {
  readonly #database: Database;
  readonly #removal: MessageRemoval;
  readonly #rewinds: OpenRewinds;
  readonly #forks: SessionForks;

  constructor(database: Database) {
    this.#database = database;
    this.#removal = new MessageRemoval(database);
    this.#rewinds = new OpenRewinds(database);
    this.#forks = new SessionForks(database);
  }

  /**
   * Deletes some of a session's messages that were last written before a time, in milliseconds. False if
   * there is nothing more to delete.
   */
  step(sessionId: string, before: number): boolean {
    // A rewind of the session is moving its messages, or a fork is copying them.
    if (this.#rewinds.serverOf(sessionId) !== undefined) return false;
    if (this.#forks.isCopied(sessionId)) return false;
    const places: Place[] = [
      { id: outOf(sessionId), upTo: Number.MAX_SAFE_INTEGER },
      { id: sessionId, upTo: this.#lastReplaced(sessionId) },
    ];
    return places.some((place) => this.#deleteSome(place, before) > 0);
  }

  /** The last message before the turn that made the session's summary; 0 without a summary. */
  #lastReplaced(sessionId: string): number {
    return readOr(
      () => {
        const summary = this.#database
          .prepare(
            `SELECT position, run FROM messages WHERE sessionId = ?1
               AND id = (SELECT summaryMessageId FROM sessions WHERE id = ?1)`,
          )
          .get(sessionId);
        if (summary === undefined) return 0;
        const { position, run } = summary;
        if (typeof run !== "number") return Number(position) - 1;
        const sql = `SELECT position FROM messages
          WHERE sessionId = ? AND position < ? AND run IS NOT ? ORDER BY position DESC LIMIT 1`;
        const before = this.#database.prepare(sql).get(sessionId, Number(position), run);
        return Number(before?.position ?? 0);
      },
      // It is damaged. Then a model gets every message.
      () => 0,
    );
  }

  #deleteSome(place: Place, before: number): number {
    return this.#database.write(() => {
      const isOldRun = new Map<number, boolean>();
      let deleted = 0;
      let bytes = 0;
      for (const position of this.#first(place)) {
        if (bytes >= bytesPerStep || !this.#isOld(place.id, position, before, isOldRun)) break;
        const removed = this.#removal.remove(position);
        bytes += removed.bytes;
        if (removed.isGone) deleted++;
      }
      this.#database
        .prepare("UPDATE sessions SET messageCount = max(0, messageCount - ?) WHERE id = ?")
        .run(deleted, place.id);
      return deleted;
    });
  }

  #first({ id, upTo }: Place): number[] {
    return this.#database
      .prepare(
        `SELECT position FROM messages WHERE sessionId = ? AND position <= ?
         ORDER BY position LIMIT ?`,
      )
      .all(id, upTo, messagesPerStep)
      .map(({ position }) => Number(position));
  }

  /**
   * Whether the whole turn of a message is old. `known` has the answers for the runs of this step. A damaged
   * message stays, and so do the messages after it.
   */
  #isOld(id: string, position: number, before: number, known: Map<number, boolean>): boolean {
    return readOr(
      () => {
        const own = this.#database
          .prepare("SELECT run, updatedAt FROM messages WHERE position = ?")
          .get(position);
        if (typeof own?.run !== "number") return storedTime(own?.updatedAt) < before;
        const isOld = known.get(own.run) ?? this.#lastOfTurn(id, position, own.run) < before;
        known.set(own.run, isOld);
        return isOld;
      },
      () => false,
    );
  }

  /** When the last message of a turn was last written. */
  #lastOfTurn(id: string, position: number, run: number): number {
    const next = this.#database
      .prepare(
        `SELECT position FROM messages WHERE sessionId = ? AND position > ? AND run IS NOT ?
         ORDER BY position LIMIT 1`,
      )
      .get(id, position, run);
    const last = this.#database
      .prepare(
        `SELECT updatedAt FROM messages WHERE sessionId = ? AND position < ?
         ORDER BY position DESC LIMIT 1`,
      )
      .get(id, Number(next?.position ?? Number.MAX_SAFE_INTEGER));
    return storedTime(last?.updatedAt);
  }
}
