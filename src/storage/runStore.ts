import { readOr, salvagedColumns } from "./damage.js";
import { idsOfDamaged, sessionOfDamaged } from "./damagedRun.js";
import type { Database, Row } from "./database.js";
import { type LastWriter, lastWriter } from "./lastWriter.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { optionColumn } from "./optionColumn.js";
import { questionsFrom } from "./questionSchema.js";
import { isOwnedBy } from "./runOwner.js";
import {
  type NewRun,
  nobody,
  type Owner,
  type RunRow,
  type StoredRunState,
  toRow,
} from "./runRow.js";
import { answeredCalls, toUsage, type UsageRow } from "./usageRow.js";

export { isWaiting, nobody, type Owner, type RunRow, type StoredRunState } from "./runRow.js";

const table = "runs";
const columns = [
  ...["workspaceId", "sessionId", "runId", "clientId", "serverId", "kind", "promptHash", "state"],
  ...["hasBegun", "foldedInto", "acceptedAt"],
];

/**
 * Every run that was ever accepted; this makes a `runId` idempotent. A damaged row counts as a run
 * that has ended: it does not run again.
 */
export class RunStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Stores an accepted run; returns its position. */
  insert(run: NewRun): number {
    const more = optionColumn(this.#database, "options", run.options);
    return this.#database
      .prepare(
        `INSERT INTO runs (workspaceId, sessionId, runId, clientId, serverId, kind, promptHash, state, acceptedAt${more.columns})
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?${more.places})`,
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
        ...more.values,
      ).lastInsertRowid;
  }

  /** The run with this client's id in a workspace. */
  find(workspaceId: string, runId: string): RunRow | undefined {
    const found = this.#database
      .prepare("SELECT position FROM runs WHERE workspaceId = ? AND runId = ?")
      .get(workspaceId, runId);
    return found === undefined
      ? undefined
      : this.#at(Number(found.position), { workspaceId, runId });
  }

  /** The newest runs with a `runId`, of every workspace; only those of one name, if it is given. */
  newest(limit: number, runId?: string): RunRow[] {
    // By its name a run is found in the index, which has a part for each workspace.
    const named = `workspaces CROSS JOIN runs INDEXED BY runsByRunId
      ON runs.workspaceId = workspaces.id AND runs.runId = ?`;
    const from = runId === undefined ? "runs WHERE runId IS NOT NULL" : named;
    return this.#database
      .prepare(`SELECT position FROM ${from} ORDER BY position DESC LIMIT ?`)
      .all(...(runId === undefined ? [] : [runId]), limit)
      .flatMap(({ position }) => this.at(Number(position)) ?? []);
  }

  /** The run at a position. */
  at(position: number): RunRow | undefined {
    return this.#at(position, {});
  }

  /** The run at a position, with `known` instead of what cannot be read. */
  #at(position: number, known: { workspaceId?: string; runId?: string }): RunRow | undefined {
    return readOr(
      () => {
        const row = this.#database.prepare("SELECT * FROM runs WHERE position = ?").get(position);
        return row === undefined ? undefined : toRow(row);
      },
      (reason) => {
        this.#database.damage.tell({ table, id: position, reason });
        const place = { table, key: "position", value: position };
        return toRow({
          position,
          workspaceId: "",
          sessionId: sessionOfDamaged(this.#database, position),
          clientId: "",
          serverId: "",
          state: "completed",
          hasBegun: 1,
          ...idsOfDamaged(this.#database, position),
          ...known,
          ...salvagedColumns(this.#database, place, columns),
        });
      },
    );
  }

  /**
   * Changes the state of a run; `running` means that its turn has begun. False if it is completed, or
   * if another than `owner` has it.
   */
  setState(position: number, state: StoredRunState, owner?: Owner): boolean {
    if (owner !== undefined && !this.isOwned(position, owner)) return false;
    const { changes } = this.#database
      .prepare(
        "UPDATE runs SET state = ?, hasBegun = hasBegun OR ? WHERE position = ? AND state <> 'completed'",
      )
      .run(state, state === "running" ? 1 : 0, position);
    return changes === 1;
  }

  /** Whether a run is open, and this owner has it. A damaged row does not prove the contrary. */
  isOwned(position: number, { serverId, epoch }: Owner): boolean {
    return isOwnedBy(this.#database, position, { serverId, epoch });
  }

  /**
   * Joins a queued run to the turn of another. One with a `runId` is open until that turn ends, and then
   * gets a completion; one without is told of by the turn's completion alone. False if it is completed.
   */
  fold(position: number, into: number): boolean {
    const { changes } = this.#database
      .prepare(
        `UPDATE runs SET state = CASE WHEN runId IS NULL THEN 'completed' ELSE 'running' END,
           hasBegun = 1, foldedInto = ? WHERE position = ? AND state <> 'completed'`,
      )
      .run(into, position);
    return changes === 1;
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
    const row = this.#onSession(sessionId, "serverId", "AND serverId NOT IN (?, ?)", [
      ...[serverId, nobody],
    ]);
    if (row !== undefined) return String(row.serverId);
    const writer = this.#lastWriter(sessionId);
    if (writer === undefined || writer.state === "completed") return undefined;
    const isOther = writer.serverId !== serverId && writer.serverId !== nobody;
    return isOther ? writer.serverId : undefined;
  }

  /** The first open run of a session that fulfils a condition; a damaged one fulfils none. */
  #onSession(
    sessionId: string,
    column: string,
    condition = "",
    values: string[] = [],
  ): Row | undefined {
    const first = (where: string, ...more: (string | number)[]) =>
      this.#database.prepare(`SELECT ${column} ${where} LIMIT 1`).get(...more);
    return readOr(
      () => first(`FROM ${openRuns} WHERE ${isOpenInSession} ${condition}`, sessionId, ...values),
      () => {
        // The state of a run is in its row, which may be what is damaged: only positions are asked for.
        const all = (index: string) =>
          this.#database
            .prepare(`SELECT position FROM runs ${index} WHERE sessionId = ?`)
            .all(sessionId);
        const rows = readOr(
          () => all(""),
          () => all("NOT INDEXED"),
        );
        for (const { position } of rows) {
          const isIt = `FROM runs WHERE position = ?1 AND state <> 'completed' ${condition}`;
          const row = readOr(
            () => first(isIt, Number(position), ...values),
            () => undefined,
          );
          if (row !== undefined) return row;
        }
        return undefined;
      },
    );
  }

  #lastWriter(sessionId: string): LastWriter | undefined {
    return lastWriter(this.#database, sessionId, (position) => this.at(position));
  }

  /**
   * Whether a turn of the session, or of a sub-task's parent, runs or is about to, in any server.
   */
  hasTurn(sessionId: string): boolean {
    const run = this.#onSession(sessionId, "state", "AND state <> 'queued'");
    return run !== undefined || this.isSubTask(sessionId);
  }

  /** Whether the session is a sub-task of another session's open run, in any server. */
  isSubTask(sessionId: string): boolean {
    const run = this.#lastWriter(sessionId);
    return run !== undefined && run.state !== "completed" && run.sessionId !== sessionId;
  }

  /** The runs that a server left open, each session's in the order of its queue. */
  openOf(serverId: string): RunRow[] {
    return this.#database
      .prepare(
        "SELECT position FROM runs WHERE serverId = ? AND state <> 'completed' ORDER BY position",
      )
      .all(serverId)
      .flatMap(({ position }) => this.at(Number(position)) ?? [])
      .sort((a, b) => a.place - b.place);
  }

  /** Adds what a model call of a run used. */
  addUsage(position: number, usage: UsageRow): void {
    this.#database
      .prepare(
        `UPDATE runs SET promptTokens = promptTokens + ?, completionTokens = completionTokens + ?,
           cost = cost + ?, cachedPromptTokens = cachedPromptTokens + ?,
           cacheWriteTokens = cacheWriteTokens + ?, reasoningTokens = reasoningTokens + ?,
           modelCalls = modelCalls + 1 WHERE position = ?`,
      )
      .run(
        usage.promptTokens,
        usage.completionTokens,
        usage.cost,
        usage.cachedPromptTokens ?? 0,
        usage.cacheWriteTokens ?? 0,
        usage.reasoningTokens ?? 0,
        position,
      );
  }

  /** What a run has used so far, its sub-tasks included; undefined before a model has answered. */
  usage(position: number): UsageRow | undefined {
    const row = this.#database
      .prepare(
        `SELECT promptTokens, completionTokens, cost, cachedPromptTokens, cacheWriteTokens,
           reasoningTokens FROM runs WHERE position = ? AND modelCalls > 0`,
      )
      .get(position);
    if (row === undefined) return undefined;
    return toUsage(row);
  }

  /** How many model calls were answered for a run so far, those of its sub-tasks included. */
  steps(position: number): number {
    return answeredCalls(this.#database, position);
  }

  /** Stores how long the questions of a run wait for its client, in seconds. */
  setPermissionSeconds(position: number, seconds: number): void {
    if (!this.#keepsSeconds) return;
    this.#database
      .prepare("UPDATE runs SET permissionSeconds = ? WHERE position = ?")
      .run(seconds, position);
  }

  /** How long the questions of a run wait for its client, in seconds; 0 if that is not stored. */
  permissionSeconds(position: number): number {
    if (!this.#keepsSeconds) return 0;
    const sql = "SELECT permissionSeconds FROM runs WHERE position = ?";
    return readOr(
      () => Number(this.#database.prepare(sql).get(position)?.permissionSeconds ?? 0),
      () => 0,
    );
  }

  get #keepsSeconds(): boolean {
    return this.#database.steps >= questionsFrom;
  }

  /** Moves a client's open runs in a server to the identity that it has now given. */
  adopt(serverId: string, from: string, to: string): void {
    for (const run of this.openOf(serverId)) {
      if (run.clientId !== from) continue;
      this.#database
        .prepare("UPDATE runs SET clientId = ? WHERE position = ?")
        .run(to, run.position);
    }
  }
}
