// Stores what is needed to go on with runs after the loss of their server (protocol.md section 4, Going
// on after a loss): who has them, and under which terms they were accepted.
import { DomainError } from "../base/errors.js";
import { readOr, storedAmount, storedText } from "./damage.js";
import type { Database, Row } from "./database.js";
import { isFreeSession } from "./freeSession.js";
import { goingOnFrom } from "./goingOnStep.js";
import { forgetAnswered, keepQuestionsOf, leaveQuestions } from "./leftQuestions.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { isOwnedBy } from "./runOwner.js";
import { nobody, type Owner, type RunRow, toRow } from "./runRow.js";

/** What is stored of one run beside its row. */
export interface GoingOnRow {
  /** The terms under which it was accepted, as JSON; undefined if they cannot be read. */
  readonly terms: string | undefined;
  /** What its turn had used at its last finished model call, as JSON. */
  readonly progress: string | undefined;
  /** How often its begun turn was taken over since its last finished model call. */
  readonly adoptions: number;
  /** How often it was loaded without success. */
  readonly loads: number;
  /** Why it is to end as cancelled, if somebody cancelled it. */
  readonly cancelledBy: string | undefined;
  /** The mark of the commands that its turn may have begun. */
  readonly commandMark: string | undefined;
}

/** How a workspace is opened by itself. There are no values of variables among it. */
export interface ResumeOptions {
  readonly trusted: boolean;
  readonly engine: string;
}

/** A run and who has it. */
export interface OwnedRun extends Owner {
  readonly position: number;
}

/** The runs that outlive their server. In a file of an older schema there are none. */
export class GoingOnStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether runs can be kept at all. */
  get isKept(): boolean {
    return this.#database.steps >= goingOnFrom;
  }

  /** See {@link isFreeSession}; false in a file of an older schema. */
  isFree(sessionId: string, serverId: string): boolean {
    return this.isKept && isFreeSession(this.#database, sessionId, serverId);
  }

  /**
   * A run goes on after a loss from now on. Call it in the commit that accepts the run.
   *
   * @throws DomainError `StorageFailed` if an older server keeps the file at its schema.
   */
  keep(position: number, terms: string): void {
    if (!this.isKept) {
      throw new DomainError(
        "StorageFailed",
        "A run can go on after a loss once no server of an older version uses the data directory; close its window, then start this one again.",
        { data: { reason: "olderServerRunning" } },
      );
    }
    this.#database.prepare("UPDATE runs SET goesOn = 1 WHERE position = ?").run(position);
    this.#database
      .prepare(
        "INSERT INTO goingOn (run, terms) VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET terms = excluded.terms",
      )
      .run(position, terms);
  }

  /** What is stored of a run; undefined if it does not go on. */
  of(position: number): GoingOnRow | undefined {
    if (!this.isKept) return undefined;
    return readOr<GoingOnRow | undefined>(
      () => {
        const row = this.#database.prepare("SELECT * FROM goingOn WHERE run = ?").get(position);
        return row === undefined ? undefined : toGoingOn(row);
      },
      (reason) => {
        this.#database.damage.tell({ table: "goingOn", id: position, reason });
        return toGoingOn({});
      },
    );
  }

  /** Deletes what is stored of a run that has ended. A damaged row stays. */
  forget(position: number): void {
    if (!this.isKept) return;
    this.#database.attempt(
      `delete goingOn ${position}`,
      () => this.#database.prepare("DELETE FROM goingOn WHERE run = ?").run(position).changes,
      (reason) => {
        this.#database.damage.tell({ table: "goingOn", id: position, reason });
        return 0;
      },
    );
  }

  /**
   * Runs belong to nobody from now on, and wait. Those that their server does not have any more stay as
   * they are. The time of their open questions runs on; it began when their server was last known to live,
   * which is now if that gives them up itself. Returns the positions of those that wait.
   */
  release(runs: readonly OwnedRun[], now: number, isGivenUp = false): number[] {
    const released = runs.filter((run) => isOwnedBy(this.#database, run.position, run));
    for (const { position } of released) {
      leaveQuestions(this.#database, position, isGivenUp ? now : undefined);
      this.#database
        .prepare("UPDATE runs SET serverId = ? WHERE position = ? AND state <> 'completed'")
        .run(nobody, position);
      if (this.isKept) this.#set(position, "waitingSince = ?", now);
    }
    return released.map(({ position }) => position);
  }

  /** Withdraws the questions of a run that nobody asks again: those of other tool calls than these. */
  keepQuestions(position: number, toolCallIds: ReadonlySet<string>): void {
    if (this.isKept) keepQuestionsOf(this.#database, position, toolCallIds);
  }

  /** The open runs of a session that belong to nobody, in the order of its queue. */
  free(sessionId: string): RunRow[] {
    const sql = `SELECT * FROM ${openRuns} WHERE ${isOpenInSession} AND serverId = ?`;
    return readOr(
      () =>
        this.#database
          .prepare(sql)
          .all(sessionId, nobody)
          .map(toRow)
          .sort((a, b) => a.place - b.place),
      () => [],
    );
  }

  /** Gives the free runs of a session to a server. Each of them has a new epoch then. */
  take(sessionId: string, serverId: string): void {
    const more = this.isKept ? ", epoch = epoch + 1, continuations = continuations + goesOn" : "";
    this.#database
      .prepare(
        `UPDATE ${openRuns} SET serverId = ?2${more} WHERE ${isOpenInSession} AND serverId = ?3`,
      )
      .run(sessionId, serverId, nobody);
  }

  /** Notes that a run was taken over. A begun turn counts it, until a model call is finished. */
  taken(position: number, hasBegun: boolean): void {
    if (!this.isKept) return;
    this.#set(position, "waitingSince = NULL, adoptions = adoptions + ?", hasBegun ? 1 : 0);
  }

  /** Notes that a run is being loaded; {@link loaded} takes it back. */
  loading(position: number): void {
    if (this.isKept) this.#set(position, "loads = loads + 1");
  }

  /** Notes that a run was loaded. */
  loaded(position: number): void {
    if (this.isKept) this.#set(position, "loads = 0");
  }

  /** Notes what a turn has used when a model call is finished. */
  setProgress(position: number, progress: string): void {
    if (!this.isKept) return;
    this.#set(position, "progress = ?, adoptions = 0", progress);
    forgetAnswered(this.#database, position);
  }

  /** Notes what the tools of a turn remember, as JSON, beside what it had used at its last model call. */
  setMemory(position: number, memory: string): void {
    if (!this.isKept) return;
    const sql = `UPDATE goingOn SET progress = json_set(progress, '$.memory', json(?))
      WHERE run = ? AND json_valid(progress)`;
    this.#database.prepare(sql).run(memory, position);
  }

  /** Replaces the terms of a run. */
  setTerms(position: number, terms: string): void {
    if (this.isKept) this.#set(position, "terms = ?", terms);
  }

  /** Notes that a run was cancelled: it ends so, even if its server dies first. */
  noteCancel(position: number, cause: string): void {
    if (this.isKept) this.#set(position, "cancelledBy = ?", cause);
  }

  /** Notes how the commands of a turn are recognised. */
  setCommandMark(position: number, mark: string): void {
    if (this.isKept) this.#set(position, "commandMark = ?", mark);
  }

  /** A turn was given up in good order: what was counted for its present server is taken back. */
  parked(position: number): void {
    if (this.isKept) this.#set(position, "adoptions = max(0, adoptions - 1), loads = 0");
  }

  #set(position: number, change: string, ...values: (string | number)[]): void {
    this.#database.prepare(`UPDATE goingOn SET ${change} WHERE run = ?`).run(...values, position);
  }

  /**
   * The sessions of a workspace with runs that belong to nobody and hold or wait in it, in the order in
   * which their first run was accepted. Paused queues without a run that goes on are not among them.
   */
  waitingSessions(workspaceId: string): string[] {
    if (!this.isKept) return [];
    return this.#database
      .prepare(
        `SELECT sessionId FROM runs WHERE serverId = ? AND state <> 'completed' AND goesOn = 1
           AND workspaceId = ? GROUP BY sessionId ORDER BY min(position)`,
      )
      .all(nobody, workspaceId)
      .map(({ sessionId }) => String(sessionId));
  }

  /** Whether a run that goes on waits on a session. */
  isWaiting(sessionId: string): boolean {
    return this.#isAnyFree(sessionId, "goesOn = 1");
  }

  /** Whether a run that waits holds a session: entries of a paused queue do not. */
  isHeld(sessionId: string, isPaused: boolean): boolean {
    return this.#isAnyFree(sessionId, isPaused ? "goesOn = 1 AND state <> 'queued'" : "goesOn = 1");
  }

  #isAnyFree(sessionId: string, condition: string): boolean {
    if (!this.isKept) return false;
    const sql = `SELECT 1 FROM ${openRuns} WHERE ${isOpenInSession} AND serverId = ?
      AND ${condition} LIMIT 1`;
    return readOr(
      () => this.#database.prepare(sql).get(sessionId, nobody) !== undefined,
      () => false,
    );
  }

  /** A workspace may be opened by itself from now on, to go on with runs; without options, no more. */
  setResumable(workspaceId: string, options?: ResumeOptions): void {
    if (!this.isKept) return;
    const [sql, ...more] =
      options === undefined
        ? ["DELETE FROM resumableWorkspaces WHERE workspaceId = ?"]
        : [
            "INSERT OR REPLACE INTO resumableWorkspaces (workspaceId, options) VALUES (?, ?)",
            JSON.stringify(options),
          ];
    this.#database.durable(() => this.#database.prepare(sql).run(workspaceId, ...more));
  }

  /** The servers other than `serverId` that have runs of a workspace which go on after a loss. */
  ownersIn(workspaceId: string, serverId: string): string[] {
    if (!this.isKept) return [];
    return this.#database
      .prepare(
        `SELECT DISTINCT serverId FROM runs WHERE state <> 'completed' AND goesOn = 1
           AND workspaceId = ? AND serverId NOT IN (?, ?)`,
      )
      .all(workspaceId, serverId, nobody)
      .map((row) => String(row.serverId));
  }

  /** The runs that have waited since before a time, oldest first. */
  waitingSinceBefore(time: number): number[] {
    if (!this.isKept) return [];
    return this.#database
      .prepare(
        `SELECT run FROM goingOn INDEXED BY waitingRuns WHERE waitingSince IS NOT NULL
           AND waitingSince < ? ORDER BY run`,
      )
      .all(time)
      .map(({ run }) => Number(run));
  }
}

function toGoingOn(row: Row): GoingOnRow {
  return {
    terms: storedText(row.terms),
    progress: storedText(row.progress),
    adoptions: storedAmount(row.adoptions),
    loads: storedAmount(row.loads),
    cancelledBy: storedText(row.cancelledBy),
    commandMark: storedText(row.commandMark),
  };
}
