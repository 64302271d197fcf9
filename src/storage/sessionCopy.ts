// Copies a session up to a message (protocol.md section 4, Taking back). Only rows are copied. The bytes
// of attachments are not; they stay as long as one of the sessions has them. The rows are copied in small
// steps. The row of the new session comes with the last step, so nobody sees a fork that is not whole.
import { DomainError } from "../base/errors.js";
import type { Database } from "./database.js";
import { OpenRewinds } from "./openRewinds.js";
import { SearchIndex } from "./searchIndex.js";
import { messageSizes, SessionForks, withinBytes } from "./sessionFork.js";
import { StreamedText } from "./streamedText.js";

/** How much one step copies: it then takes a few milliseconds. One larger message is copied alone. */
const mostBytesCopied = 512 * 1024;
const mostRowsCopied = 1000;

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

/** Copies sessions. Each step is small enough for the event loop. */
export class SessionCopy {
  readonly #database: Database;
  readonly #forks: SessionForks;
  readonly #index: SearchIndex;
  readonly #rewinds: OpenRewinds;
  readonly #streamed: StreamedText;

  constructor(database: Database) {
    this.#database = database;
    this.#forks = new SessionForks(database);
    this.#index = new SearchIndex(database);
    this.#rewinds = new OpenRewinds(database);
    this.#streamed = new StreamedText(database);
  }

  /**
   * Notes that a session is being copied. Until the fork is finished, or abandoned, no rewind of the
   * session begins, and age deletes none of its messages.
   *
   * @throws DomainError `SessionBusy` while the session is rewound. `StorageFailed` while an older server
   * prevents a migration that this needs.
   */
  begin({ newId, sessionId, serverId }: Fork): ForkProgress {
    if (!this.#forks.isKept) {
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
    const rows = messageSizes(this.#database, sessionId, { after, upTo, most: mostRowsCopied + 1 });
    const taken = withinBytes(rows.slice(0, mostRowsCopied), mostBytesCopied);
    return { last: taken.at(-1)?.position, isEnd: taken.length === rows.length };
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
   * Makes the session to which the copied messages belong. Its usage is zero. `finished` is called in the
   * same transaction, and may write more.
   *
   * @throws DomainError `SessionNotFound` if the copied session was deleted meanwhile.
   */
  finish(fork: Fork, { copied, summaryMessageId }: ForkProgress, finished = () => {}): void {
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
      finished();
      this.#index.title(newId);
      this.#database.prepare("UPDATE openForks SET indexedTo = 0 WHERE sessionId = ?").run(newId);
    });
  }
}
