// What is stored of relays (docs/fleet.md): how far each has come, and what it has set aside.
import type { Database, Row } from "./database.js";
import { relaysFrom } from "./relayHold.js";
import { type NotedPlace, placeNote, type RelayPlace, settlePlace } from "./relayPlaces.js";

/** A relay, as it is stored. */
export interface RelayRow {
  readonly name: string;
  /** Everything up to this sequence is confirmed or set aside. */
  readonly cursor: number;
  /** How often the completion behind the cursor was refused, and since when. */
  readonly refusals: number;
  readonly refusedSince: number | undefined;
  /** Why nothing gets on; undefined if all is well. It has no secret in it. */
  readonly trouble: string | undefined;
  /** When the trouble began, in milliseconds since the Unix epoch. */
  readonly troubleSince: number | undefined;
  /** The other side wants nothing more. */
  readonly isStopped: boolean;
}

/** A completion that the other side refuses for good. */
export interface SetAside {
  readonly sequence: number;
  readonly completionId: string;
  readonly reason: string;
  readonly at: number;
}

/** The change of a relay by one round. */
export interface RelayChange {
  readonly cursor: number;
  readonly refusals: number;
  readonly refusedSince: number | undefined;
  readonly trouble: string | undefined;
  readonly isStopped: boolean;
}

/** The tables of relays. */
export class RelayStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** False while an older server keeps the file without the tables: then no relay can work. */
  get isKept(): boolean {
    return this.#database.steps >= relaysFrom;
  }

  /** Registers a relay. From now on nothing behind its cursor is deleted. */
  register(name: string, now: number): void {
    this.#database
      .prepare("INSERT OR IGNORE INTO relays (name, registeredAt) VALUES (?, ?)")
      .run(name, now);
  }

  /** Notes where a relay carries from now on. Returns the place before, see {@link settlePlace}. */
  settlePlace(name: string, place: RelayPlace, now: number): NotedPlace | undefined {
    return this.#database.write(() => {
      const relay = this.find(name) ?? { name, cursor: 0 };
      return settlePlace(this.#database, relay, place, now);
    });
  }

  /** A registered relay. */
  find(name: string): RelayRow | undefined {
    const row = this.#database.prepare("SELECT * FROM relays WHERE name = ?").get(name);
    return row === undefined ? undefined : toRelay(row);
  }

  /** All registered relays, by name. */
  all(): RelayRow[] {
    return this.#database.prepare("SELECT * FROM relays ORDER BY name").all().map(toRelay);
  }

  /** Stores what a round has changed, and what it has set aside. The cursor never goes back. */
  change(name: string, change: RelayChange, now: number, aside?: SetAside): void {
    this.#database.write(() => {
      if (aside !== undefined) this.#setAside(name, aside);
      this.#database
        .prepare(
          `UPDATE relays SET cursor = max(cursor, ?2), refusals = ?3, refusedSince = ?4,
             troubleSince = CASE WHEN ?5 IS NULL THEN NULL ELSE coalesce(troubleSince, ?7) END,
             trouble = ?5, isStopped = ?6 WHERE name = ?1`,
        )
        .run(
          name,
          change.cursor,
          change.refusals,
          change.refusedSince ?? null,
          change.trouble ?? null,
          change.isStopped ? 1 : 0,
          now,
        );
    });
  }

  #setAside(name: string, { sequence, completionId, reason, at }: SetAside): void {
    this.#database
      .prepare(
        `INSERT INTO setAside (relay, sequence, completionId, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET reason = ?4, at = ?5, isAsked = 0`,
      )
      .run(name, sequence, completionId, reason, at);
  }

  /** What is set aside, the oldest first. */
  setAside(name: string, limit: number): SetAside[] {
    return this.#database
      .prepare("SELECT * FROM setAside WHERE relay = ? ORDER BY sequence LIMIT ?")
      .all(name, limit)
      .map(toSetAside);
  }

  /** How much is set aside. */
  countSetAside(name: string): number {
    const sql = "SELECT count(*) AS n FROM setAside WHERE relay = ?";
    return Number(this.#database.prepare(sql).get(name)?.n ?? 0);
  }

  /** The first of those that are to be sent again. */
  nextAsked(name: string): SetAside | undefined {
    const sql = "SELECT * FROM setAside WHERE relay = ? AND isAsked = 1 ORDER BY sequence LIMIT 1";
    const row = this.#database.prepare(sql).get(name);
    return row === undefined ? undefined : toSetAside(row);
  }

  /** It was sent after all. */
  sent(name: string, sequence: number): void {
    this.#database
      .prepare("DELETE FROM setAside WHERE relay = ? AND sequence = ?")
      .run(name, sequence);
  }

  /** It was refused again. */
  refusedAgain(name: string, aside: SetAside): void {
    this.#setAside(name, aside);
  }

  /**
   * Asks for what was set aside to be sent again, all of it or one completion; returns how many. A relay
   * that was stopped goes on.
   */
  ask(name: string, completionId: string | undefined): number {
    return this.#database.write(() => {
      this.#database
        .prepare(
          "UPDATE relays SET isStopped = 0, trouble = NULL, troubleSince = NULL WHERE name = ?",
        )
        .run(name);
      return this.#database
        .prepare(
          "UPDATE setAside SET isAsked = 1 WHERE relay = ?1 AND (?2 IS NULL OR completionId = ?2)",
        )
        .run(name, completionId ?? null).changes;
    });
  }

  /** Forgets a relay: nothing is kept for it any more. False if there is none of this name. */
  forget(name: string): boolean {
    return this.#database.write(() => {
      this.#database.prepare("DELETE FROM setAside WHERE relay = ?").run(name);
      this.#database.prepare("DELETE FROM notes WHERE name = ?").run(placeNote + name);
      return this.#database.prepare("DELETE FROM relays WHERE name = ?").run(name).changes > 0;
    });
  }
}

function toRelay(row: Row): RelayRow {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const number = (value: unknown) => (typeof value === "number" ? value : undefined);
  return {
    name: String(row.name),
    cursor: Number(row.cursor),
    refusals: Number(row.refusals),
    refusedSince: number(row.refusedSince),
    trouble: text(row.trouble),
    troubleSince: number(row.troubleSince),
    isStopped: row.isStopped === 1,
  };
}

function toSetAside(row: Row): SetAside {
  return {
    sequence: Number(row.sequence),
    completionId: String(row.completionId),
    reason: String(row.reason),
    at: Number(row.at),
  };
}
