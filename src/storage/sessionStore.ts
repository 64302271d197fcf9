import type { Database, Row } from "./database.js";

/** A conversation as it is stored. */
export interface SessionRow {
  readonly position: number;
  readonly id: string;
  readonly workspaceId: string;
  readonly parentSessionId: string | undefined;
  readonly title: string;
  readonly messageCount: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cost: number;
  readonly summaryMessageId: string | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What a new session begins with. */
export type NewSession = Pick<
  SessionRow,
  "id" | "workspaceId" | "parentSessionId" | "title" | "createdAt"
>;

/** The sessions of every workspace. */
export class SessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores a new session. */
  insert(session: NewSession): SessionRow {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO sessions
           (id, workspaceId, parentSessionId, title, isTitleGiven, createdAt, updatedAt)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        session.id,
        session.workspaceId,
        session.parentSessionId ?? null,
        session.title,
        Number(session.title !== ""),
        session.createdAt,
        session.createdAt,
      );
    return {
      ...session,
      position: lastInsertRowid,
      messageCount: 0,
      promptTokens: 0,
      completionTokens: 0,
      cost: 0,
      summaryMessageId: undefined,
      updatedAt: session.createdAt,
    };
  }

  /** One session of a workspace. */
  find(workspaceId: string, id: string): SessionRow | undefined {
    const row = this.#database
      .prepare("SELECT * FROM sessions WHERE id = ? AND workspaceId = ?")
      .get(id, workspaceId);
    return row === undefined ? undefined : toRow(row);
  }

  /** Whether a workspace has a session with this id. */
  isIn(workspaceId: string, id: string): boolean {
    return (
      this.#database
        .prepare("SELECT 1 FROM sessions WHERE id = ? AND workspaceId = ?")
        .get(id, workspaceId) !== undefined
    );
  }

  /** Whether any workspace has a session with this id. */
  exists(id: string): boolean {
    return this.#database.prepare("SELECT 1 FROM sessions WHERE id = ?").get(id) !== undefined;
  }

  /** A page of a workspace's sessions, newest first, before `position`. */
  list(workspaceId: string, limit: number, before = Number.MAX_SAFE_INTEGER): SessionRow[] {
    return this.#database
      .prepare(
        "SELECT * FROM sessions WHERE workspaceId = ? AND position < ? ORDER BY position DESC LIMIT ?",
      )
      .all(workspaceId, before, limit)
      .map(toRow);
  }

  /** The sub-tasks of a session, and theirs; each comes before the session that it belongs to. */
  descendants(workspaceId: string, id: string): string[] {
    return this.#database
      .prepare(
        `WITH RECURSIVE below (id) AS (
           SELECT id FROM sessions WHERE workspaceId = ? AND parentSessionId = ?
           UNION
           SELECT sessions.id FROM sessions JOIN below ON sessions.parentSessionId = below.id
         )
         SELECT id FROM below WHERE id <> ?`,
      )
      .all(workspaceId, id, id)
      .map((row) => String(row.id))
      .reverse();
  }

  /** Gives a session the title that somebody chose; an empty one lets it be titled again. */
  setTitle(id: string, title: string, now: number): void {
    this.#database
      .prepare("UPDATE sessions SET title = ?, isTitleGiven = ?, updatedAt = ? WHERE id = ?")
      .run(title, Number(title !== ""), now, id);
  }

  /** Gives a session a title that was made up; false where somebody chose one, which stays. */
  suggestTitle(id: string, title: string, now: number): boolean {
    const { changes } = this.#database
      .prepare("UPDATE sessions SET title = ?, updatedAt = ? WHERE id = ? AND isTitleGiven = 0")
      .run(title, now, id);
    return changes > 0;
  }

  /** Makes a stored summary the beginning of the model's history. */
  setSummary(id: string, messageId: string, now: number): void {
    this.#database
      .prepare("UPDATE sessions SET summaryMessageId = ?, updatedAt = ? WHERE id = ?")
      .run(messageId, now, id);
  }

  /** Adds what a model call used. */
  addUsage(
    id: string,
    usage: { promptTokens: number; completionTokens: number; cost: number },
    now: number,
  ): void {
    this.#database
      .prepare(
        `UPDATE sessions SET promptTokens = promptTokens + ?,
           completionTokens = completionTokens + ?, cost = cost + ?, updatedAt = ? WHERE id = ?`,
      )
      .run(usage.promptTokens, usage.completionTokens, usage.cost, now, id);
  }

  /**
   * Deletes sessions with their messages; their runs and completions stay. Does nothing, and returns
   * false, where one of them has an open run in any server.
   */
  delete(ids: readonly string[]): boolean {
    return this.#database.write(() => {
      const open = this.#database.prepare(
        "SELECT 1 FROM runs WHERE sessionId = ? AND state <> 'completed' LIMIT 1",
      );
      if (ids.some((id) => open.get(id) !== undefined)) return false;
      for (const id of ids) this.#delete(id);
      return true;
    });
  }

  #delete(id: string): void {
    this.#database
      .prepare(
        "DELETE FROM attachments WHERE messageId IN (SELECT id FROM messages WHERE sessionId = ?)",
      )
      .run(id);
    this.#database.prepare("DELETE FROM messages WHERE sessionId = ?").run(id);
    this.#database.prepare("DELETE FROM sessions WHERE id = ?").run(id);
  }
}

function toRow(row: Row): SessionRow {
  return {
    position: Number(row.position),
    id: String(row.id),
    workspaceId: String(row.workspaceId),
    parentSessionId: typeof row.parentSessionId === "string" ? row.parentSessionId : undefined,
    title: String(row.title),
    messageCount: Number(row.messageCount),
    promptTokens: Number(row.promptTokens),
    completionTokens: Number(row.completionTokens),
    cost: Number(row.cost),
    summaryMessageId: typeof row.summaryMessageId === "string" ? row.summaryMessageId : undefined,
    createdAt: Number(row.createdAt),
    updatedAt: Number(row.updatedAt),
  };
}
