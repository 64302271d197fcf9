import { readOr, salvagedColumns, storedText } from "./damage.js";
import type { Database } from "./database.js";
import { ForgottenSessions } from "./forgottenSessions.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { optionColumn } from "./optionColumn.js";
import { SearchIndex } from "./searchIndex.js";
import { type SessionRow, toRow } from "./sessionRow.js";

export type { SessionRow } from "./sessionRow.js";

/** The values of a new session. */
export type NewSession = Pick<
  SessionRow,
  "id" | "workspaceId" | "parentSessionId" | "title" | "createdAt"
> & { readonly defaults?: string | undefined };

const table = "sessions";
/** A file with fewer steps has no columns for the state of a session; then it is not stored. */
const standingFrom = 8;
const columns = [
  ...["parentSessionId", "title", "messageCount", "promptTokens", "completionTokens", "cost"],
  ...["summaryMessageId", "contextTokens", "contextWindow", "todos", "createdAt", "updatedAt"],
];

/** The sessions of every workspace. A damaged row is a session of which little is known. */
export class SessionStore {
  readonly #database: Database;
  readonly #index: SearchIndex;
  readonly #forgotten: ForgottenSessions;

  constructor(database: Database) {
    this.#database = database;
    this.#index = new SearchIndex(database);
    this.#forgotten = new ForgottenSessions(database);
  }

  /** Stores a new session. */
  insert(session: NewSession): SessionRow {
    return this.#database.write(() => {
      const position = this.#insert(session);
      this.#index.title(session.id);
      return newRow(session, position);
    });
  }

  #insert(session: NewSession): number {
    const more = optionColumn(this.#database, "defaults", session.defaults);
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO sessions
           (id, workspaceId, parentSessionId, title, isTitleGiven, createdAt, updatedAt${more.columns})
         VALUES (?, ?, ?, ?, ?, ?, ?${more.places})`,
      )
      .run(
        session.id,
        session.workspaceId,
        session.parentSessionId ?? null,
        session.title,
        Number(session.title !== ""),
        session.createdAt,
        session.createdAt,
        ...more.values,
      );
    return lastInsertRowid;
  }

  /** The session at a position, of any workspace; undefined where it is gone. */
  at(position: number): SessionRow | undefined {
    const [found] = this.#ofAny("position = ?", position);
    return found && this.#at(position, found);
  }

  /** Positions and workspaces of sessions, from the index where a row cannot be read. */
  #ofAny(where: string, ...values: number[]): { position: number; workspaceId: string }[] {
    const read = (index: string) =>
      this.#database
        .prepare(`SELECT position, workspaceId FROM sessions ${index} ${where}`)
        .all(...values)
        .map((row) => ({ position: Number(row.position), workspaceId: String(row.workspaceId) }));
    return readOr(
      () => read("WHERE"),
      () => read("INDEXED BY sessionsOfWorkspace WHERE workspaceId > '' AND"),
    );
  }

  /** One session of a workspace. */
  find(workspaceId: string, id: string): SessionRow | undefined {
    // A turn asks for its session often, so an undamaged file is asked once.
    return readOr(
      () => {
        const row = this.#database.prepare("SELECT * FROM sessions WHERE id = ?").get(id);
        return row?.workspaceId === workspaceId ? toRow(row) : undefined;
      },
      () => {
        const position = this.#positionIn(workspaceId, id);
        return position === undefined ? undefined : this.#at(position, { workspaceId, id });
      },
    );
  }

  /** One column of a session: a turn needs no more at most places, and a whole row takes far longer. */
  text(workspaceId: string, id: string, column: "title" | "summaryMessageId"): string | undefined {
    const sql = `SELECT workspaceId, ${column} FROM sessions WHERE id = ?`;
    return readOr(
      () => {
        const row = this.#database.prepare(sql).get(id);
        return row?.workspaceId === workspaceId ? storedText(row[column]) : undefined;
      },
      () => this.find(workspaceId, id)?.[column],
    );
  }

  #positionIn(workspaceId: string, id: string): number | undefined {
    const found = this.#database.prepare("SELECT position FROM sessions WHERE id = ?").get(id);
    if (found === undefined) return undefined;
    // The index has it too if the row cannot be read.
    const isIn = this.#database
      .prepare(
        "SELECT 1 FROM sessions INDEXED BY sessionsOfWorkspace WHERE workspaceId = ? AND position = ?",
      )
      .get(workspaceId, Number(found.position));
    return isIn === undefined ? undefined : Number(found.position);
  }

  /** The session at a position, with `known` instead of what cannot be read. */
  #at(position: number, known: { workspaceId: string; id?: string }): SessionRow | undefined {
    return readOr(
      () => {
        const row = this.#database
          .prepare("SELECT * FROM sessions WHERE position = ?")
          .get(position);
        return row === undefined ? undefined : toRow(row);
      },
      (reason) => {
        const id = known.id ?? this.#idAt(position);
        this.#database.damage.tell({ table, id, reason });
        const place = { table, key: "position", value: position };
        const row = salvagedColumns(this.#database, place, columns);
        return { ...toRow({ title: "", ...row, ...known, id, position }), isDamaged: true };
      },
    );
  }

  /** The id of a session whose row cannot be read, as the index of the ids has it. */
  #idAt(position: number): string {
    const sql =
      "SELECT id FROM sessions INDEXED BY sqlite_autoindex_sessions_1 WHERE id > '' AND position = ?";
    const id = readOr(
      () => this.#database.prepare(sql).get(position)?.id,
      () => undefined,
    );
    return storedText(id) ?? `damaged_${position}`;
  }

  /** Whether a workspace has a session with this id. */
  isIn(workspaceId: string, id: string): boolean {
    return this.#positionIn(workspaceId, id) !== undefined;
  }

  /** Whether any workspace has a session with this id. */
  exists(id: string): boolean {
    return this.#database.prepare("SELECT 1 FROM sessions WHERE id = ?").get(id) !== undefined;
  }

  /** A page of a workspace's sessions, or of all, newest first, before `position`. */
  list(
    workspaceId: string | undefined,
    limit: number,
    before = Number.MAX_SAFE_INTEGER,
  ): SessionRow[] {
    return workspaceId === undefined
      ? this.#listAll(limit, before)
      : this.#listOf(workspaceId, limit, before);
  }

  #listAll(limit: number, before: number): SessionRow[] {
    return this.#ofAny("position < ? ORDER BY position DESC LIMIT ?", before, limit).flatMap(
      ({ position, workspaceId }) => this.#at(position, { workspaceId }) ?? [],
    );
  }

  #listOf(workspaceId: string, limit: number, before: number): SessionRow[] {
    return this.#database
      .prepare(
        "SELECT position FROM sessions WHERE workspaceId = ? AND position < ? ORDER BY position DESC LIMIT ?",
      )
      .all(workspaceId, before, limit)
      .flatMap(({ position }) => this.#at(Number(position), { workspaceId }) ?? []);
  }

  /** The sub-tasks of a session and their sub-tasks; each comes before its parent. */
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
    this.#database.write(() => {
      this.#database
        .prepare("UPDATE sessions SET title = ?, isTitleGiven = ?, updatedAt = ? WHERE id = ?")
        .run(title, Number(title !== ""), now, id);
      this.#index.title(id);
    });
  }

  /** Gives a session a generated title; false if somebody chose one, which stays. */
  suggestTitle(id: string, title: string, now: number): boolean {
    return this.#database.write(() => {
      const { changes } = this.#database
        .prepare("UPDATE sessions SET title = ?, updatedAt = ? WHERE id = ? AND isTitleGiven = 0")
        .run(title, now, id);
      if (changes > 0) this.#index.title(id);
      return changes > 0;
    });
  }

  /** Makes a stored summary the beginning of the model's history. */
  setSummary(id: string, messageId: string, now: number): void {
    this.#database
      .prepare("UPDATE sessions SET summaryMessageId = ?, updatedAt = ? WHERE id = ?")
      .run(messageId, now, id);
  }

  /** Stores how many tokens the newest model call had, and how many fit; undefined if unknown. */
  setContext(id: string, tokens: number | undefined, window: number | undefined): void {
    if (this.#database.steps < standingFrom) return;
    this.#database
      .prepare("UPDATE sessions SET contextTokens = ?, contextWindow = ? WHERE id = ?")
      .run(tokens ?? null, window ?? null, id);
  }

  /** Replaces the task list, which is JSON. */
  setTodos(id: string, todos: string, now: number): void {
    if (this.#database.steps < standingFrom) return;
    this.#database
      .prepare("UPDATE sessions SET todos = ?, updatedAt = ? WHERE id = ?")
      .run(todos, now, id);
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
   * Deletes sessions. Their messages, acknowledged completions and nameless runs are deleted in
   * steps by a {@link Forgetter}. Does nothing, and returns false, if one of them has an open run in
   * any server.
   */
  delete(ids: readonly string[]): boolean {
    return this.#database.write(() => {
      const open = this.#database.prepare(
        `SELECT position FROM ${openRuns} WHERE ${isOpenInSession} LIMIT 1`,
      );
      if (ids.some((id) => open.get(id) !== undefined)) return false;
      for (const id of ids) this.#forgotten.deleteSession(id);
      return true;
    });
  }
}

function newRow(session: NewSession, position: number): SessionRow {
  return {
    ...session,
    position,
    messageCount: 0,
    promptTokens: 0,
    completionTokens: 0,
    cost: 0,
    summaryMessageId: undefined,
    contextTokens: undefined,
    contextWindow: undefined,
    todos: undefined,
    queuePaused: false,
    defaults: session.defaults,
    updatedAt: session.createdAt,
  };
}
