// Looks for words in the index (protocol.md section 3, `searchSessions`). It also indexes what is not
// indexed yet. This file is loaded with the first search.
import { performance } from "node:perf_hooks";
import { DomainError } from "../base/errors.js";
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { messagesNote, titlesNote } from "./forgetIndex.js";
import { indexNoted } from "./indexNoted.js";
import { NoteStore } from "./noteStore.js";
import { SearchIndex, sessionToken, workspaceToken } from "./searchIndex.js";
import type { SearchTerm } from "./searchText.js";

/** How long one search, or one step of the indexing, may hold up the server, in milliseconds. */
const longestHoldMs = 20;
/** How long a step takes that indexes what was noted, without its commit, in milliseconds. */
const longestStepMs = 8;
const rowsAtOnce = 100;

/** A session in which a search has found something. */
export interface SearchHit {
  readonly session: number;
  /** The newest message that has all of the words; undefined if only the title has them. */
  readonly message: number | undefined;
}

/** Where a search goes on: after the titles or messages that it has already looked at. */
export interface SearchPlace {
  readonly of: "titles" | "messages";
  readonly below: number;
}

/** The words of a search, and the sessions in which it looks. */
export interface Search {
  readonly terms: readonly SearchTerm[];
  readonly workspaceId: string | undefined;
  readonly limit: number;
  readonly place: SearchPlace | undefined;
}

/** Finds sessions by their words. */
export class SessionFinder {
  readonly #database: Database;
  readonly #index: SearchIndex;
  readonly #notes: NoteStore;
  readonly #noted: Generator<void>;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
    this.#noted = indexNoted(database, longestStepMs);
    this.#notes = new NoteStore(database);
  }

  /**
   * Indexes some of the messages that wait for it, and then of those that were stored before there was an
   * index, newest first. Returns whether any are left. Call it until none is left.
   *
   * @throws DomainError `StorageFailed` while an older server prevents the migration that makes the index.
   */
  catchUp(): boolean {
    if (!this.#index.isKept) {
      throw new DomainError(
        "StorageFailed",
        "An older Turnwire uses this data directory, and keeps it without a search: end it, then start again.",
        { data: { reason: "olderServerRunning" } },
      );
    }
    if (this.#indexesNoted()) return true;
    const end = performance.now() + longestHoldMs;
    return (
      this.#catchUp(titlesNote, "sessions", end, (position, id) => this.#titleAt(position, id)) ||
      this.#catchUp(messagesNote, "messages", end, (position) => this.#index.messageAt(position))
    );
  }

  /** Where nothing can be written, the search finds what is in the index. */
  #indexesNoted(): boolean {
    try {
      return this.#noted.next().done !== true;
    } catch (error) {
      if (error instanceof DomainError && error.name === "StorageFailed") return false;
      throw error;
    }
  }

  #titleAt(_: number, id: string): void {
    this.#index.title(id);
  }

  #catchUp(
    note: string,
    table: "sessions" | "messages",
    end: number,
    index: (position: number, id: string) => void,
  ): boolean {
    let below = Number(this.#notes.get(note) ?? 0);
    if (below <= 1) return false;
    const next = this.#database.prepare(
      `SELECT position, id FROM ${table} WHERE position < ? ORDER BY position DESC LIMIT 1`,
    );
    this.#database.write(() => {
      while (below > 1 && performance.now() < end) {
        below = readOr(
          () => {
            const row = next.get(below);
            if (row === undefined) return 0;
            index(Number(row.position), String(row.id));
            return Number(row.position);
          },
          // A damaged row is skipped.
          () => below - 1,
        );
      }
      this.#notes.set(note, String(below));
    });
    return below > 1;
  }

  /**
   * Finds the sessions that have all of the words in the title or in one message. Hits in titles come
   * first; both groups are sorted newest first. If `next` is set there may be more hits, also if there
   * are fewer than `limit`.
   */
  find(search: Search): { hits: readonly SearchHit[]; next: SearchPlace | undefined } {
    const end = performance.now() + longestHoldMs;
    const hits: SearchHit[] = [];
    let place: SearchPlace | undefined = search.place ?? { of: "titles", below: 0 };
    while (place !== undefined && hits.length < search.limit && performance.now() < end) {
      place =
        place.of === "titles"
          ? this.#titles(search, place, hits)
          : this.#messages(search, place, hits);
    }
    return { hits, next: place };
  }

  #titles(search: Search, { below }: SearchPlace, hits: SearchHit[]): SearchPlace {
    const rows = this.#database
      .prepare(
        `SELECT rowid AS id FROM searchIndex
         WHERE searchIndex MATCH ? AND rowid < 0 AND rowid > ? ORDER BY rowid LIMIT ?`,
      )
      .all(
        expression(search),
        below === 0 ? Number.MIN_SAFE_INTEGER : -below,
        Math.min(rowsAtOnce, search.limit - hits.length),
      );
    for (const row of rows) {
      const session = -Number(row.id);
      hits.push({ session, message: this.#newest(search, session) });
    }
    const last = rows.at(-1);
    if (last === undefined) return { of: "messages", below: Number.MAX_SAFE_INTEGER };
    return { of: "titles", below: -Number(last.id) };
  }

  #messages(search: Search, { below }: SearchPlace, hits: SearchHit[]): SearchPlace | undefined {
    const rows = this.#database
      .prepare(
        `SELECT rowid AS id FROM searchIndex
         WHERE searchIndex MATCH ? AND rowid > 0 AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
      )
      .all(expression(search), below, rowsAtOnce);
    let at = below;
    for (const row of rows) {
      const message = Number(row.id);
      const session = this.#sessionOf(message);
      at = message;
      if (session === undefined || hits.some((hit) => hit.session === session)) continue;
      // Sessions with a hit in the title come earlier, and so do those with a newer message.
      if (this.#hasTitle(search, session) || this.#newest(search, session) !== message) continue;
      hits.push({ session, message });
      if (hits.length >= search.limit) return { of: "messages", below: at };
    }
    return rows.length < rowsAtOnce ? undefined : { of: "messages", below: at };
  }

  #sessionOf(message: number): number | undefined {
    const select = this.#database.prepare(
      `SELECT sessions.position AS session FROM messages
       JOIN sessions ON sessions.id = messages.sessionId WHERE messages.position = ?`,
    );
    return readOr(
      () => {
        const row = select.get(message);
        return row === undefined ? undefined : Number(row.session);
      },
      () => undefined,
    );
  }

  #newest(search: Search, session: number): number | undefined {
    const row = this.#database
      .prepare(
        `SELECT rowid AS id FROM searchIndex
         WHERE searchIndex MATCH ? AND rowid > 0 ORDER BY rowid DESC LIMIT 1`,
      )
      .get(expression(search, session));
    return row === undefined ? undefined : Number(row.id);
  }

  #hasTitle(search: Search, session: number): boolean {
    const row = this.#database
      .prepare("SELECT 1 FROM searchIndex WHERE searchIndex MATCH ? AND rowid = ?")
      .get(expression(search, session), -session);
    return row !== undefined;
  }
}

function expression({ terms, workspaceId }: Search, session?: number): string {
  const words = `text : (${terms.map(({ match }) => match).join(" AND ")})`;
  const places = [
    ...(workspaceId === undefined ? [] : [`place : ${workspaceToken(workspaceId)}`]),
    ...(session === undefined ? [] : [`place : ${sessionToken(session)}`]),
  ];
  return [words, ...places].join(" AND ");
}
