// The messages that rewinds have removed from sessions (protocol.md section 4, Taking back). They stay in
// the file, under an id that no session has, so that a rewind can itself be taken back. Each session has a
// list of ranges of positions, which says which of its messages are removed.
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** The positions above the first number, up to and including the second. */
export type PositionRange = readonly [after: number, upTo: number];

/** Further values of a point of a session's history. */
export interface SessionStanding {
  readonly summaryMessageId: string | undefined;
  /** JSON, in the form that the session has it. */
  readonly todos: string | undefined;
  readonly contextTokens: number | undefined;
  readonly contextWindow: number | undefined;
}

/**
 * How much one transaction moves, together with the words in the search index: it then takes a few
 * milliseconds. One larger message is moved alone.
 */
const mostBytesMoved = 256 * 1024;
const mostRowsMoved = 100;

/** No session's id is this long (`createSession`). The migrations of the schema use the same text. */
const outMark = "~".repeat(201);

/** The id under which the removed messages of a session are stored. No session can have this id. */
export function outOf(sessionId: string): string {
  return sessionId + outMark;
}

/** Sorts ranges, and merges those that touch. */
export function joinRanges(ranges: readonly PositionRange[]): PositionRange[] {
  const joined: PositionRange[] = [];
  for (const [after, upTo] of [...ranges].sort(([a], [b]) => a - b)) {
    if (upTo <= after) continue;
    const last = joined.at(-1);
    if (last !== undefined && after <= last[1]) {
      joined[joined.length - 1] = [last[0], Math.max(last[1], upTo)];
    } else {
      joined.push([after, upTo]);
    }
  }
  return joined;
}

/** What lies between ranges, which are sorted and do not touch. */
function gapsOf(ranges: readonly PositionRange[]): PositionRange[] {
  const begins = [0, ...ranges.map(([, upTo]) => upTo)];
  const ends = [...ranges.map(([after]) => after), Number.MAX_SAFE_INTEGER];
  return begins.map((begin, index): PositionRange => [begin, ends[index] ?? begin]);
}

/** Reads a stored list of ranges. A text that is not a list counts as an empty list. */
export function rangesOf(text: unknown): PositionRange[] {
  if (typeof text !== "string") return [];
  try {
    const ranges: unknown = JSON.parse(text);
    return Array.isArray(ranges) && ranges.every(isRange) ? ranges : [];
  } catch {
    // The text is damaged. Then no message counts as removed, and the removed ones stay removed.
    return [];
  }
}

function isRange(value: unknown): value is PositionRange {
  return Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger);
}

/** Moves messages out of sessions and back. */
export class RewoundMessages {
  readonly #database: Database;
  readonly #index: SearchIndex;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
  }

  /** The removed ranges of a session. */
  of(sessionId: string): PositionRange[] {
    const row = this.#database.prepare("SELECT rewound FROM sessions WHERE id = ?").get(sessionId);
    return rangesOf(row?.rewound);
  }

  /** The position of a session's newest message, including removed ones. 0 if there is none. */
  last(sessionId: string): number {
    const sql = "SELECT max(position) AS position FROM messages WHERE sessionId = ?";
    const ids = [sessionId, outOf(sessionId)];
    return Math.max(...ids.map((id) => Number(this.#database.prepare(sql).get(id)?.position ?? 0)));
  }

  /** How many messages must be removed, and how many come back, so that exactly `ranges` are removed. */
  count(
    sessionId: string,
    ranges: readonly PositionRange[],
  ): { removed: number; restored: number } {
    const inRange = this.#database.prepare(
      "SELECT count(*) AS n FROM messages WHERE sessionId = ? AND position > ? AND position <= ?",
    );
    const counted = (id: string) =>
      ranges.reduce((sum, range) => sum + Number(inRange.get(id, ...range)?.n ?? 0), 0);
    const all = this.#database.prepare("SELECT count(*) AS n FROM messages WHERE sessionId = ?");
    const out = outOf(sessionId);
    return { removed: counted(sessionId), restored: Number(all.get(out)?.n ?? 0) - counted(out) };
  }

  /**
   * Takes one step, so that in the end exactly `ranges` of a session are removed. Returns false when
   * nothing is left to do. A step is small enough for the event loop.
   */
  move(sessionId: string, ranges: readonly PositionRange[]): boolean {
    const out = outOf(sessionId);
    return this.#database.write(() => {
      const leaving = this.#some(sessionId, ranges);
      if (this.#moveTo(out, leaving)) return true;
      return this.#moveTo(sessionId, this.#some(out, gapsOf(joinRanges(ranges))));
    });
  }

  /** The first messages in the first of the ranges that has some. */
  #some(id: string, ranges: readonly PositionRange[]): { position: number; size: number }[] {
    for (const range of ranges) {
      const found = this.#first(id, range);
      if (found.length > 0) return found;
    }
    return [];
  }

  #first(id: string, [after, upTo]: PositionRange): { position: number; size: number }[] {
    return this.#database
      .prepare(
        `SELECT position, octet_length(parts) AS size FROM messages
         WHERE sessionId = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
      )
      .all(id, after, upTo, mostRowsMoved)
      .map((row) => ({ position: Number(row.position), size: Number(row.size) }));
  }

  #moveTo(id: string, rows: readonly { position: number; size: number }[]): boolean {
    const move = this.#database.prepare("UPDATE messages SET sessionId = ? WHERE position = ?");
    let room = mostBytesMoved;
    for (const { position, size } of rows) {
      room -= size;
      if (room < 0 && position !== rows[0]?.position) break;
      move.run(id, position);
      this.#index.moved(position);
    }
    return rows.length > 0;
  }

  /**
   * Stores `ranges` as the removed ones, after all messages were moved, and restores the other values of
   * the session. `now` is in milliseconds.
   */
  settle(
    sessionId: string,
    ranges: readonly PositionRange[],
    standing: SessionStanding,
    now: number,
  ): void {
    const { summaryMessageId, todos, contextTokens, contextWindow } = standing;
    this.#database
      .prepare(
        `UPDATE sessions SET rewound = ?, summaryMessageId = ?, todos = ?, contextTokens = ?,
           contextWindow = ?, updatedAt = ?,
           messageCount = (SELECT count(*) FROM messages WHERE sessionId = sessions.id)
         WHERE id = ?`,
      )
      .run(
        ranges.length === 0 ? null : JSON.stringify(ranges),
        summaryMessageId ?? null,
        todos ?? null,
        contextTokens ?? null,
        contextWindow ?? null,
        now,
        sessionId,
      );
  }
}
