import type { Database, Row } from "./database.js";

/** How far a run has come (protocol.md section 4, `getRun`). */
export type StoredRunState = "accepted" | "queued" | "running" | "completed";

/** An accepted run as it is stored. `position` is the order of acceptance. */
export interface RunRow {
  readonly position: number;
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly runId: string | undefined;
  readonly clientId: string;
  /** The server that accepted it and runs it. */
  readonly serverId: string;
  readonly kind: "prompt" | "summary";
  readonly promptHash: string;
  readonly state: StoredRunState;
  readonly hasBegun: boolean;
}

/** What a new run is stored with. */
export type NewRun = Omit<RunRow, "position" | "hasBegun"> & { readonly acceptedAt: number };

/** The run that wrote a session's newest message: one look into an index, however long it is. */
const lastWriter = "(SELECT run FROM messages WHERE sessionId = ? ORDER BY position DESC LIMIT 1)";

/** Every run that was ever accepted: what makes a `runId` idempotent. */
export class RunStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores an accepted run; returns its position. */
  insert(run: NewRun): number {
    return this.#database
      .prepare(
        `INSERT INTO runs (workspaceId, sessionId, runId, clientId, serverId, kind, promptHash, state, acceptedAt)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        run.workspaceId,
        run.sessionId,
        run.runId ?? null,
        run.clientId,
        run.serverId,
        run.kind,
        run.promptHash,
        run.state,
        run.acceptedAt,
      ).lastInsertRowid;
  }

  /** The run with this client's id in a workspace. */
  find(workspaceId: string, runId: string): RunRow | undefined {
    const row = this.#database
      .prepare("SELECT * FROM runs WHERE workspaceId = ? AND runId = ?")
      .get(workspaceId, runId);
    return row === undefined ? undefined : toRow(row);
  }

  /** The run at a position. */
  at(position: number): RunRow | undefined {
    const row = this.#database.prepare("SELECT * FROM runs WHERE position = ?").get(position);
    return row === undefined ? undefined : toRow(row);
  }

  /**
   * Moves a run on; `running` says that its turn has begun. What is completed stays so: then this is
   * false.
   */
  setState(position: number, state: StoredRunState): boolean {
    const { changes } = this.#database
      .prepare(
        "UPDATE runs SET state = ?, hasBegun = hasBegun OR ? WHERE position = ? AND state <> 'completed'",
      )
      .run(state, state === "running" ? 1 : 0, position);
    return changes === 1;
  }

  /** Ends a queued run by joining it to the turn of another. */
  fold(position: number, into: number): void {
    this.#database
      .prepare("UPDATE runs SET state = 'completed', foldedInto = ? WHERE position = ?")
      .run(into, position);
  }

  /** How many prompts joined a run's turn. */
  foldedInto(position: number): number {
    const row = this.#database
      .prepare("SELECT count(*) AS n FROM runs WHERE foldedInto = ?")
      .get(position);
    return Number(row?.n ?? 0);
  }

  /**
   * A server other than `serverId` that has an open run on the session, or one that the session is a
   * sub-task of.
   */
  otherOwner(sessionId: string, serverId: string): string | undefined {
    const row = this.#database
      .prepare(
        `SELECT serverId FROM runs WHERE sessionId = ? AND state <> 'completed' AND serverId <> ?
         UNION ALL
         SELECT serverId FROM runs WHERE position = ${lastWriter} AND state <> 'completed' AND serverId <> ?
         LIMIT 1`,
      )
      .get(sessionId, serverId, sessionId, serverId);
    return row === undefined ? undefined : String(row.serverId);
  }

  /** Whether the session has an open run in any server, or is a sub-task of one. */
  isOpen(sessionId: string): boolean {
    const row = this.#database
      .prepare("SELECT 1 FROM runs WHERE sessionId = ? AND state <> 'completed' LIMIT 1")
      .get(sessionId);
    return row !== undefined || this.isSubTask(sessionId);
  }

  /** Whether the session is a sub-task of another session's open run, in any server. */
  isSubTask(sessionId: string): boolean {
    const row = this.#database
      .prepare(
        `SELECT 1 FROM runs WHERE position = ${lastWriter} AND state <> 'completed' AND sessionId <> ?`,
      )
      .get(sessionId, sessionId);
    return row !== undefined;
  }

  /** How many of a session's runs wait in a queue, in any server. */
  queued(sessionId: string): number {
    const row = this.#database
      .prepare("SELECT count(*) AS n FROM runs WHERE sessionId = ? AND state = 'queued'")
      .get(sessionId);
    return Number(row?.n ?? 0);
  }

  /** What a server left open, in the order of acceptance. */
  openOf(serverId: string): RunRow[] {
    return this.#database
      .prepare("SELECT * FROM runs WHERE serverId = ? AND state <> 'completed' ORDER BY position")
      .all(serverId)
      .map(toRow);
  }

  /** Adds what a model call of a run used. */
  addUsage(
    position: number,
    usage: { promptTokens: number; completionTokens: number; cost: number },
  ): void {
    this.#database
      .prepare(
        `UPDATE runs SET promptTokens = promptTokens + ?, completionTokens = completionTokens + ?,
           cost = cost + ?, modelCalls = modelCalls + 1 WHERE position = ?`,
      )
      .run(usage.promptTokens, usage.completionTokens, usage.cost, position);
  }

  /** What a run has used so far, its sub-tasks included; undefined before a model has answered. */
  usage(
    position: number,
  ): { promptTokens: number; completionTokens: number; cost: number } | undefined {
    const row = this.#database
      .prepare(
        "SELECT promptTokens, completionTokens, cost FROM runs WHERE position = ? AND modelCalls > 0",
      )
      .get(position);
    if (row === undefined) return undefined;
    return {
      promptTokens: Number(row.promptTokens),
      completionTokens: Number(row.completionTokens),
      cost: Number(row.cost),
    };
  }

  /** Gives a client's runs to the identity that it has now told. */
  adopt(from: string, to: string): void {
    this.#database.prepare("UPDATE runs SET clientId = ? WHERE clientId = ?").run(to, from);
  }
}

function toRow(row: Row): RunRow {
  return {
    position: Number(row.position),
    workspaceId: String(row.workspaceId),
    sessionId: String(row.sessionId),
    runId: typeof row.runId === "string" ? row.runId : undefined,
    clientId: String(row.clientId),
    serverId: String(row.serverId),
    kind: row.kind === "summary" ? "summary" : "prompt",
    promptHash: String(row.promptHash),
    state: row.state as StoredRunState,
    hasBegun: row.hasBegun === 1,
  };
}
