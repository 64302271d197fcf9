// The words of every session (protocol.md section 3, `searchSessions`): what users and models said, and
// titles. A commit that changes the index writes several pages more, so a message is only noted in its own
// commit, and many are indexed in one: soon, or before the next search. A trigger of the schema takes the
// words away with what they are about.
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { indexedText } from "./indexedText.js";
import { saidText } from "./saidText.js";

/** A file with fewer steps has no index. */
const indexFrom = 11;
/** In a file with fewer steps no message is noted. */
const notedFrom = 23;
/** A message with more text is indexed at once, so that each of those that are noted takes a moment. */
const longestNoted = 16_384;

/** The index of words. A message has its position there, the title of a session its negative one. */
export class SearchIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether there is one: an older server may keep the file without. */
  get isKept(): boolean {
    return this.#database.steps >= indexFrom;
  }

  /** Whether it notes messages that are to be indexed. */
  get notes(): boolean {
    return this.#database.steps >= notedFrom;
  }

  /** Whether a message waits for `indexNoted`; true where that cannot be told. */
  get hasNoted(): boolean {
    const any = () => this.#database.prepare("SELECT 1 FROM unindexed LIMIT 1").get() !== undefined;
    return this.notes && readOr(any, () => true);
  }

  /** A message has its final text: of users and models, and of no summary. It is noted for `indexNoted`. */
  message(position: number, parts: string): void {
    if (!this.isKept) return;
    if (!this.notes || parts.length > longestNoted) {
      this.#add(position, parts);
      return;
    }
    const sql = "INSERT OR IGNORE INTO unindexed (position) VALUES (?)";
    this.#attempt("note", position, () => this.#database.prepare(sql).run(position).changes);
  }

  /** The message at a position is as it is stored. Returns the length of its parts. */
  messageAt(position: number): number {
    const row = this.#database
      .prepare("SELECT parts FROM messages WHERE position = ? AND octet_length(parts) < 4000000")
      .get(position);
    if (typeof row?.parts !== "string") return 0;
    this.#add(position, row.parts);
    return row.parts.length;
  }

  #add(position: number, parts: string): void {
    const row = this.#database
      .prepare(
        `SELECT sessions.position AS session, workspaceId, role, isSummary FROM messages
         JOIN sessions ON sessions.id = messages.sessionId WHERE messages.position = ?`,
      )
      .get(position);
    const isSaid = (row?.role === "user" || row?.role === "assistant") && row.isSummary === 0;
    if (row === undefined || !isSaid) return;
    this.#put(position, saidText(parts), Number(row.session), String(row.workspaceId));
  }

  /** A session has another title. */
  title(sessionId: string): void {
    if (!this.isKept) return;
    const row = this.#database
      .prepare("SELECT position, workspaceId, title FROM sessions WHERE id = ?")
      .get(sessionId);
    if (row === undefined) return;
    const position = Number(row.position);
    this.#put(-position, String(row.title), position, String(row.workspaceId));
  }

  /** A message was taken out of its session, or put back into it. */
  moved(position: number): void {
    if (!this.isKept) return;
    this.#database.prepare("DELETE FROM searchIndex WHERE rowid = ?").run(position);
    this.messageAt(position);
  }

  #put(rowid: number, text: string, session: number, workspaceId: string): void {
    const words = indexedText(text);
    const place = `${sessionToken(session)} ${workspaceToken(workspaceId)}`;
    const sql = "INSERT OR REPLACE INTO searchIndex (rowid, text, place) VALUES (?, ?, ?)";
    this.#attempt(
      "index",
      rowid,
      () => this.#database.prepare(sql).run(rowid, words, place).changes,
    );
  }

  /** The index is not worth that anything else is lost. */
  #attempt(what: string, id: number, write: () => number): void {
    this.#database.attempt(`${what} ${id}`, write, (reason) => {
      this.#database.damage.tell({ table: "searchIndex", id, reason });
      return 0;
    });
  }
}

/** A word that stands for a session, and for nothing else. */
export function sessionToken(position: number): string {
  return `s${position}`;
}

/** The same for a workspace. */
export function workspaceToken(id: string): string {
  return `w${Buffer.from(id).toString("hex")}`;
}
