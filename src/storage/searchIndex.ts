// The words of every session (protocol.md section 3, `searchSessions`): what users and models said, and
// titles. Written in the commit of what it is about; a trigger of the schema takes it away with that.
import { performance } from "node:perf_hooks";
import { DomainError } from "../base/errors.js";
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { messagesNote, titlesNote } from "./forgetIndex.js";
import { NoteStore } from "./noteStore.js";
import { indexedText, type SearchTerm } from "./searchText.js";

/** A file with fewer steps has no index. */
const indexFrom = 11;
/** How long one search, or one step of the indexing, may hold everything else up, in milliseconds. */
const longestHoldMs = 20;
const rowsAtOnce = 100;

/** A session in which a search has found something. */
export interface SearchHit {
  readonly session: number;
  /** The newest message that has all of the words; undefined where only the title has them. */
  readonly message: number | undefined;
}

/** Where a search goes on: behind titles or messages that were looked at. */
export interface SearchPlace {
  readonly of: "titles" | "messages";
  readonly below: number;
}

/** What is looked for, and where. */
export interface Search {
  readonly terms: readonly SearchTerm[];
  readonly workspaceId: string | undefined;
  readonly limit: number;
  readonly place: SearchPlace | undefined;
}

/** The index of words. A message has its position there, the title of a session its negative one. */
export class SearchIndex {
  readonly #database: Database;
  readonly #notes: NoteStore;

  constructor(database: Database) {
    this.#database = database;
    this.#notes = new NoteStore(database);
  }

  get #isKept(): boolean {
    return this.#database.steps >= indexFrom;
  }

  /** A message has its final text: of users and models, and of no summary. */
  message(position: number, parts: string): void {
    if (!this.#isKept) return;
    const row = this.#database
      .prepare(
        `SELECT sessions.position AS session, workspaceId, role, isSummary FROM messages
         JOIN sessions ON sessions.id = messages.sessionId WHERE messages.position = ?`,
      )
      .get(position);
    const isSaid = (row?.role === "user" || row?.role === "assistant") && row.isSummary === 0;
    if (row === undefined || !isSaid) return;
    this.#put(position, textOf(parts), Number(row.session), String(row.workspaceId));
  }

  /** A session has another title. */
  title(sessionId: string): void {
    if (!this.#isKept) return;
    const row = this.#database
      .prepare("SELECT position, workspaceId, title FROM sessions WHERE id = ?")
      .get(sessionId);
    if (row === undefined) return;
    const position = Number(row.position);
    this.#put(-position, String(row.title), position, String(row.workspaceId));
  }

  /** A message was taken out of its session, or put back into it. */
  moved(position: number): void {
    if (!this.#isKept) return;
    this.#database.prepare("DELETE FROM searchIndex WHERE rowid = ?").run(position);
    this.#messageAt(position);
  }

  #put(rowid: number, text: string, session: number, workspaceId: string): void {
    const words = indexedText(text);
    const place = `${sessionToken(session)} ${workspaceToken(workspaceId)}`;
    // The index is not worth that anything else is lost.
    this.#database.attempt(
      `index ${rowid}`,
      () =>
        this.#database
          .prepare("INSERT OR REPLACE INTO searchIndex (rowid, text, place) VALUES (?, ?, ?)")
          .run(rowid, words, place).changes,
      (reason) => {
        this.#database.damage.tell({ table: "searchIndex", id: rowid, reason });
        return 0;
      },
    );
  }

  /**
   * Indexes some of what was stored before there was an index, newest first; returns whether anything
   * is left. To be called until nothing is.
   *
   * @throws DomainError `StorageFailed` while an older server keeps the file without one.
   */
  catchUp(): boolean {
    if (!this.#isKept) {
      throw new DomainError(
        "StorageFailed",
        "An older Turnwire uses this data directory, and keeps it without a search: end it, then start again.",
        { data: { reason: "olderServerRunning" } },
      );
    }
    const end = performance.now() + longestHoldMs;
    return (
      this.#catchUp(titlesNote, "sessions", end, (position, id) => this.#titleAt(position, id)) ||
      this.#catchUp(messagesNote, "messages", end, (position) => this.#messageAt(position))
    );
  }

  #titleAt(_: number, id: string): void {
    this.title(id);
  }

  #messageAt(position: number): void {
    const row = this.#database
      .prepare("SELECT parts FROM messages WHERE position = ? AND octet_length(parts) < 4000000")
      .get(position);
    if (typeof row?.parts === "string") this.message(position, row.parts);
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
          // What is damaged is passed over.
          () => below - 1,
        );
      }
      this.#notes.set(note, String(below));
    });
    return below > 1;
  }

  /**
   * The sessions that have all of the words in a title or in one message, those with a title first, each
   * part newest first. Where `next` is given there may be more, also behind fewer hits than `limit`.
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
      // One whose title has the words stands before, as do those with a newer message.
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

/** A word that stands for a session, and for nothing else. */
function sessionToken(position: number): string {
  return `s${position}`;
}

function workspaceToken(id: string): string {
  return `w${Buffer.from(id).toString("hex")}`;
}

/** What a stored message says; nothing where that cannot be read. */
export function textOf(parts: string): string {
  let list: unknown;
  try {
    list = JSON.parse(parts);
  } catch {
    return "";
  }
  if (!Array.isArray(list)) return "";
  return list
    .flatMap((part: unknown) => {
      const { type, text } = { type: undefined, text: undefined, ...(part as object) };
      return type === "text" && typeof text === "string" ? [text] : [];
    })
    .join("\n");
}
