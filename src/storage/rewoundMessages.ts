// The messages that were taken out of sessions (protocol.md section 4, Taking back). They stay in the
// file, under a name that is no session's, so that a rewind can itself be taken back. Which they are is
// told by ranges of positions: a session's list says what of it is out.
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** Positions above the first number, up to and including the second. */
export type PositionRange = readonly [after: number, upTo: number];

/** What else belongs to a point of a session's history. */
export interface SessionStanding {
  readonly summaryMessageId: string | undefined;
  /** JSON, as the session has it. */
  readonly todos: string | undefined;
  readonly contextTokens: number | undefined;
  readonly contextWindow: number | undefined;
}

/** So many bytes of messages are moved in one transaction, unless one alone is larger. */
const mostBytesMoved = 8 * 1024 * 1024;
const mostRowsMoved = 2000;

/** No session's id is as long (`createSession`); the steps of the schema know it too. */
const outMark = "~".repeat(201);

/** Where what was taken out of a session is; no session can have this id. */
export function outOf(sessionId: string): string {
  return sessionId + outMark;
}

/** Whether a position is in one of the ranges. */
function isIn(ranges: readonly PositionRange[], position: number): boolean {
  return ranges.some(([after, upTo]) => position > after && position <= upTo);
}

/** Ranges in order, those that touch as one. */
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

/** A list of ranges as it is stored. A text that is none is an empty list. */
export function rangesOf(text: unknown): PositionRange[] {
  if (typeof text !== "string") return [];
  try {
    const ranges: unknown = JSON.parse(text);
    return Array.isArray(ranges) && ranges.every(isRange) ? ranges : [];
  } catch {
    // Damaged: then nothing counts as taken out, and what is out stays so.
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

  /** The ranges of a session that are out. */
  of(sessionId: string): PositionRange[] {
    const row = this.#database.prepare("SELECT rewound FROM sessions WHERE id = ?").get(sessionId);
    return rangesOf(row?.rewound);
  }

  /** The position of a session's newest message, those that are out included; 0 where it has none. */
  last(sessionId: string): number {
    const sql = "SELECT max(position) AS position FROM messages WHERE sessionId = ?";
    const ids = [sessionId, outOf(sessionId)];
    return Math.max(...ids.map((id) => Number(this.#database.prepare(sql).get(id)?.position ?? 0)));
  }

  /** How many messages go out, and how many come back, where exactly `ranges` are to be out. */
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
   * Takes a step towards exactly `ranges` of a session being out; false once nothing is left to do. A
   * step is small enough for the event loop.
   */
  move(sessionId: string, ranges: readonly PositionRange[]): boolean {
    const out = outOf(sessionId);
    return this.#database.write(() => {
      const leaving = ranges.flatMap((range) => this.#some(sessionId, ...range));
      const moved = this.#moveTo(out, leaving);
      if (moved) return true;
      const coming = this.#some(out, 0, Number.MAX_SAFE_INTEGER).filter(
        ({ position }) => !isIn(ranges, position),
      );
      return this.#moveTo(sessionId, coming);
    });
  }

  #some(id: string, after: number, upTo: number): { position: number; size: number }[] {
    return this.#database
      .prepare(
        `SELECT position, octet_length(parts) AS size FROM messages
         WHERE sessionId = ? AND position > ? AND position <= ? ORDER BY position`,
      )
      .all(id, after, upTo)
      .map((row) => ({ position: Number(row.position), size: Number(row.size) }));
  }

  #moveTo(id: string, rows: readonly { position: number; size: number }[]): boolean {
    const move = this.#database.prepare("UPDATE messages SET sessionId = ? WHERE position = ?");
    let room = mostBytesMoved;
    for (const { position, size } of rows.slice(0, mostRowsMoved)) {
      move.run(id, position);
      this.#index.moved(position);
      room -= size;
      if (room < 0) break;
    }
    return rows.length > 0;
  }

  /**
   * Makes `ranges` what is out of a session, once all is moved, and gives it back how it stood; `now` in
   * milliseconds.
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
