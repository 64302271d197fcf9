// Copies a session up to a message (protocol.md section 4, Taking back). Only rows are copied. The bytes
// of attachments are not; they stay as long as one of the sessions has them. The rows are copied in small
// steps. The row of the new session comes with the last step, so nobody sees a fork that is not whole.
import { DomainError } from "../base/errors.js";
import type { Database } from "./database.js";
import { OpenRewinds } from "./openRewinds.js";
import { SearchIndex } from "./searchIndex.js";
import { StreamedText } from "./streamedText.js";

/** A database with fewer steps cannot note that a fork is under way. */
const forksFrom = 15;
/** How much one step copies: it then takes a few milliseconds. One larger message is copied alone. */
const mostBytesCopied = 512 * 1024;
const mostRowsCopied = 1000;
/** Looking words up costs more than copying them. */
const mostBytesIndexed = 128 * 1024;
const mostRowsIndexed = 50;

/** What is copied, and the title of the copy. */
export interface Fork {
  readonly sessionId: string;
  /** The position of the last message that is copied. */
  readonly upTo: number;
  readonly newId: string;
  /** A new id. The ids of the copied messages are made from it. */
  readonly messageIds: string;
  /** Undefined: the title of the session. */
  readonly title: string | undefined;
  /** The server that copies it. */
  readonly serverId: string;
  readonly now: number;
}

/** How far a fork has come. */
export interface ForkProgress {
  /** The position of the last message that was copied. */
  readonly after: number;
  readonly copied: number;
  /** The copy of the newest summary. */
  readonly summaryMessageId: string | undefined;
  readonly isComplete: boolean;
}

/** A fork that is not whole, or that cannot be found by all of its words yet. */
export interface OpenFork {
  readonly sessionId: string;
  readonly serverId: string;
  /** Whether messages are still to be copied. Else they are still to be added to the search index. */
  readonly isCopying: boolean;
}

/** Copies sessions. Each step is small enough for the event loop. */
export class SessionForks {
  readonly #database: Database;
  readonly #index: SearchIndex;
  readonly #rewinds: OpenRewinds;
  readonly #streamed: StreamedText;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
    this.#rewinds = new OpenRewinds(database);
    this.#streamed = new StreamedText(database);
  }

  get #isKept(): boolean {
    return this.#database.steps >= forksFrom;
  }

  /**
   * Notes that a session is being copied. Until the fork is finished, or abandoned, no rewind of the
   * session begins, and age deletes none of its messages.
   *
   * @throws DomainError `SessionBusy` while the session is rewound. `StorageFailed` while an older server
   * prevents a migration that this needs.
   */
  begin({ newId, sessionId, serverId }: Fork): ForkProgress {
    if (!this.#isKept) {
      throw new DomainError(
        "StorageFailed",
        "An older server has this data directory open; no session can be forked until it has ended.",
        { data: { reason: "olderServerRunning" } },
      );
    }
    this.#database.write(() => {
      if (this.#rewinds.serverOf(sessionId) !== undefined) {
        throw new DomainError(
          "SessionBusy",
          "A rewind of this session is under way; try again when it is over.",
        );
      }
      this.#database
        .prepare("INSERT INTO openForks (sessionId, source, serverId) VALUES (?, ?, ?)")
        .run(newId, sessionId, serverId);
    });
    return { after: 0, copied: 0, summaryMessageId: undefined, isComplete: false };
  }

  /** Copies the next messages. */
  copy(fork: Fork, done: ForkProgress): ForkProgress {
    return this.#database.write(() => {
      this.#refuseIfTaken(fork);
      const next = this.#next(fork.sessionId, done.after, fork.upTo);
      if (next.last === undefined) return { ...done, isComplete: true };
      this.#streamed.fold(fork.sessionId, done.after, next.last);
      const made = this.#copyMessages(fork, done, next.last);
      return {
        after: next.last,
        copied: done.copied + made.length,
        summaryMessageId: made.findLast(({ isSummary }) => isSummary)?.id ?? done.summaryMessageId,
        isComplete: next.isEnd,
      };
    });
  }

  /** Another server may have taken this one for dead. Then it deletes what was copied. */
  #refuseIfTaken({ newId, serverId }: Fork): void {
    const sql =
      "SELECT 1 FROM openForks WHERE sessionId = ? AND serverId = ? AND indexedTo IS NULL";
    if (this.#database.prepare(sql).get(newId, serverId) !== undefined) return;
    throw new DomainError("StorageFailed", "Another server has given this fork up; try again.");
  }

  /** The last of the messages that the next step copies, and whether no more come after it. */
  #next(sessionId: string, after: number, upTo: number) {
    const rows = this.#some(sessionId, { after, upTo, most: mostRowsCopied + 1 });
    const taken = withinBytes(rows.slice(0, mostRowsCopied), mostBytesCopied);
    return { last: taken.at(-1)?.position, isEnd: taken.length === rows.length };
  }

  #some(
    sessionId: string,
    { after, upTo, most }: { readonly after: number; readonly upTo: number; readonly most: number },
  ): SizedRow[] {
    return this.#database
      .prepare(
        `SELECT position, octet_length(parts) AS size FROM messages
         WHERE sessionId = ? AND position > ? AND position <= ? ORDER BY position LIMIT ?`,
      )
      .all(sessionId, after, upTo, most)
      .map(({ position, size }) => ({ position: Number(position), size: Number(size) }));
  }

  /**
   * A copied message belongs to no run of the new session. It can still be told which messages had the
   * same run.
   */
  #copyMessages({ sessionId, newId, messageIds }: Fork, done: ForkProgress, last: number) {
    return this.#database
      .prepare(
        `INSERT INTO messages (id, sessionId, run, role, parts, model, provider, isSummary,
           circumstances, createdAt, updatedAt, attachmentsOf)
         SELECT ? || '_' || (? + row_number() OVER (ORDER BY position)), ?, -abs(run), role, parts, model,
           provider, isSummary, circumstances, createdAt, updatedAt, coalesce(attachmentsOf,
             CASE WHEN EXISTS (SELECT 1 FROM attachments WHERE messageId = messages.id) THEN id END)
         FROM messages WHERE sessionId = ? AND position > ? AND position <= ? ORDER BY position
         RETURNING id, isSummary`,
      )
      .all(messageIds, done.copied, newId, sessionId, done.after, last)
      .map(({ id, isSummary }) => ({ id: String(id), isSummary: isSummary === 1 }));
  }

  /**
   * Makes the session to which the copied messages belong. Its usage is zero.
   *
   * @throws DomainError `SessionNotFound` if the copied session was deleted meanwhile.
   */
  finish(fork: Fork, { copied, summaryMessageId }: ForkProgress): void {
    const { sessionId, newId, upTo, title, now } = fork;
    this.#database.write(() => {
      this.#refuseIfTaken(fork);
      const { changes } = this.#database
        .prepare(
          `INSERT INTO sessions (id, workspaceId, title, isTitleGiven, todos, defaults, messageCount,
             summaryMessageId, createdAt, updatedAt)
           SELECT ?, workspaceId, coalesce(?, title), max(isTitleGiven, ?),
             CASE WHEN later.position IS NULL THEN sessions.todos ELSE later.todos END, defaults, ?, ?, ?, ?
           FROM sessions LEFT JOIN checkpoints AS later ON later.position =
             (SELECT min(position) FROM checkpoints WHERE sessionId = ? AND lastMessage >= ?)
           WHERE sessions.id = ?`,
        )
        .run(
          newId,
          title ?? null,
          Number(Boolean(title)),
          copied,
          summaryMessageId ?? null,
          now,
          now,
          sessionId,
          upTo,
          sessionId,
        );
      if (changes === 0) {
        throw new DomainError("SessionNotFound", "The session was deleted while it was copied.");
      }
      this.#index.title(newId);
      this.#database.prepare("UPDATE openForks SET indexedTo = 0 WHERE sessionId = ?").run(newId);
    });
  }

  /** Gives up what a server has copied. A `Forgetter` deletes it. False if there is no such fork. */
  abandon(newId: string, serverId: string): boolean {
    return this.#database.write(() => {
      const { changes } = this.#database
        .prepare("DELETE FROM openForks WHERE sessionId = ? AND serverId = ? AND indexedTo IS NULL")
        .run(newId, serverId);
      if (changes === 0) return false;
      this.#database
        .prepare("INSERT OR IGNORE INTO forgottenSessions (sessionId) VALUES (?)")
        .run(newId);
      return true;
    });
  }

  /** The forks that are under way in any server, or were when it died. */
  all(): OpenFork[] {
    if (!this.#isKept) return [];
    return this.#database
      .prepare("SELECT sessionId, serverId, indexedTo FROM openForks")
      .all()
      .map(({ sessionId, serverId, indexedTo }) => ({
        sessionId: String(sessionId),
        serverId: String(serverId),
        isCopying: indexedTo === null,
      }));
  }

  /** Whether a session is being copied by any server. */
  isCopied(sessionId: string): boolean {
    if (!this.#isKept) return false;
    const sql = "SELECT 1 FROM openForks WHERE source = ? AND indexedTo IS NULL LIMIT 1";
    return this.#database.prepare(sql).get(sessionId) !== undefined;
  }

  /** Adds some more of the copied messages to the search index. False if there are no more. */
  index(newId: string): boolean {
    return this.#database.write(() => {
      const read = "SELECT indexedTo FROM openForks WHERE sessionId = ? AND indexedTo IS NOT NULL";
      const open = this.#database.prepare(read).get(newId);
      if (open === undefined) return false;
      const after = Number(open.indexedTo);
      const upTo = Number.MAX_SAFE_INTEGER;
      const rows = withinBytes(
        this.#some(newId, { after, upTo, most: mostRowsIndexed }),
        mostBytesIndexed,
      );
      for (const { position } of rows) this.#index.moved(position);
      const last = rows.at(-1)?.position;
      const sql =
        last === undefined
          ? "DELETE FROM openForks WHERE sessionId = ?1"
          : "UPDATE openForks SET indexedTo = ?2 WHERE sessionId = ?1";
      this.#database.prepare(sql).run(...(last === undefined ? [newId] : [newId, last]));
      return last !== undefined;
    });
  }
}

interface SizedRow {
  readonly position: number;
  readonly size: number;
}

/** The first rows that are not larger than `most` in all; at least one. */
function withinBytes(rows: readonly SizedRow[], most: number): readonly SizedRow[] {
  let bytes = 0;
  const end = rows.findIndex(({ size }, index) => {
    bytes += size;
    return index > 0 && bytes > most;
  });
  return end < 0 ? rows : rows.slice(0, end);
}
