// Stores paused queues, the order of queues that were changed by hand, and the entries of paused
// queues (protocol.md section 4, The queue). All this must outlive its server.
import { DomainError } from "../base/errors.js";
import { readOr, storedText, storedTime } from "./damage.js";
import type { Database } from "./database.js";
import { isOpenInSession, openRuns } from "./openRunsOfSession.js";
import { nobody } from "./runStore.js";

/** A stored prompt: its text, and each attachment with its bytes. */
export interface KeptPrompt {
  readonly text: string;
  readonly attachments: readonly KeptFile[];
}

interface KeptFile {
  readonly name: string;
  readonly mimeType: string;
  readonly data: Uint8Array;
  readonly path?: string;
}

/** A waiting run, from its row; the text is undefined if it is not stored. */
export interface WaitingRun {
  readonly position: number;
  readonly runId: string | undefined;
  readonly clientId: string;
  readonly serverId: string;
  readonly acceptedAt: number;
  readonly text: string | undefined;
}

/** A file with at least this many schema steps has what this store needs. */
const queuesFrom = 9;
const waiting = `FROM ${openRuns} WHERE ${isOpenInSession} AND state = 'queued'`;

/** The stored queues. In a file of an older schema, no queue is or can be paused. */
export class QueueStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get #isKept(): boolean {
    return this.#database.steps >= queuesFrom;
  }

  /**
   * @throws DomainError `StorageFailed` if an older server keeps the file at its schema.
   */
  refuseWithoutSteps(): void {
    if (this.#isKept) return;
    throw new DomainError(
      "StorageFailed",
      "A queue can be changed once no server of an older version uses the data directory; close its window, then start this one again.",
      { data: { reason: "olderServerRunning" } },
    );
  }

  /** Whether a session's queue is paused. A queue with a damaged row is not. */
  isPaused(sessionId: string): boolean {
    if (!this.#isKept) return false;
    const sql = "SELECT queuePaused FROM sessions WHERE id = ?";
    return readOr(
      () => this.#database.prepare(sql).get(sessionId)?.queuePaused === 1,
      () => false,
    );
  }

  /**
   * Pauses a session's queue, or resumes it: then its stored entries are no longer needed, except for
   * those of runs that go on after a loss.
   */
  setPaused(sessionId: string, isPaused: boolean): void {
    this.#database
      .prepare("UPDATE sessions SET queuePaused = ? WHERE id = ?")
      .run(Number(isPaused), sessionId);
    if (isPaused) return;
    for (const row of this.#database.prepare(`SELECT * ${waiting}`).all(sessionId)) {
      if (row.goesOn !== 1) this.forget(Number(row.position));
    }
  }

  /** Keeps the prompt of a run that waits in a paused queue. */
  keep(position: number, { text, attachments }: KeptPrompt): void {
    this.forget(position);
    const files = attachments.map(({ name, mimeType, path }) => ({ name, mimeType, path }));
    this.#database
      .prepare("INSERT INTO queuedPrompts (run, text, files) VALUES (?, ?, ?)")
      .run(position, text, JSON.stringify(files));
    for (const [index, { data }] of attachments.entries()) {
      this.#database
        .prepare("INSERT INTO queuedFiles (run, fileIndex, data) VALUES (?, ?, ?)")
        .run(position, index, data);
    }
  }

  /** Replaces the text of a prompt that is kept. */
  setText(position: number, text: string): void {
    this.#database.prepare("UPDATE queuedPrompts SET text = ? WHERE run = ?").run(text, position);
  }

  /** Deletes a stored prompt. Damaged parts of it stay. */
  forget(position: number): void {
    if (!this.#isKept) return;
    for (const table of ["queuedPrompts", "queuedFiles"]) {
      this.#database.attempt(
        `delete ${table} ${position}`,
        () => this.#database.prepare(`DELETE FROM ${table} WHERE run = ?`).run(position).changes,
        (reason) => {
          this.#database.damage.tell({ table, id: position, reason });
          return 0;
        },
      );
    }
  }

  /** The stored prompt of a run; undefined if there is none that can be read completely. */
  prompt(position: number): KeptPrompt | undefined {
    return this.#read(position, () => {
      const row = this.#database
        .prepare("SELECT text, files FROM queuedPrompts WHERE run = ?")
        .get(position);
      const files = row === undefined ? undefined : filesOf(storedText(row.files));
      if (row === undefined || files === undefined) return undefined;
      const data = this.#database
        .prepare("SELECT data FROM queuedFiles WHERE run = ? ORDER BY fileIndex")
        .all(position)
        .map((file) => file.data as Uint8Array);
      if (data.length !== files.length) return undefined;
      const attachments = files.map((file, index) => ({
        ...file,
        data: data[index] ?? new Uint8Array(),
      }));
      return { text: storedText(row.text) ?? "", attachments };
    });
  }

  #read<T>(position: number, read: () => T | undefined): T | undefined {
    return readOr(read, (reason) => {
      this.#database.damage.tell({ table: "queuedPrompts", id: position, reason });
      return undefined;
    });
  }

  /** The text of a stored prompt; undefined if there is none that can be read. */
  text(position: number): string | undefined {
    if (!this.#isKept) return undefined;
    const sql = "SELECT text FROM queuedPrompts WHERE run = ?";
    return storedText(this.#read(position, () => this.#database.prepare(sql).get(position)?.text));
  }

  /** Whether a run waits in a paused queue and its stored prompt is complete. */
  isKept(sessionId: string, position: number): boolean {
    if (!this.isPaused(sessionId)) return false;
    const sql = "SELECT 1 AS is_there FROM queuedPrompts WHERE run = ?";
    return (
      this.#read(position, () => this.#database.prepare(sql).get(position) !== undefined) ?? false
    );
  }

  /** The runs that wait on a session, in any server, in their order. */
  waiting(sessionId: string): WaitingRun[] {
    const isKept = this.#isKept;
    const order = isKept ? "COALESCE(place, position)" : "position";
    return this.#database
      .prepare(
        `SELECT position, runId, clientId, serverId, acceptedAt ${waiting} ORDER BY ${order}`,
      )
      .all(sessionId)
      .map((row) => {
        const position = Number(row.position);
        return {
          position,
          runId: storedText(row.runId),
          clientId: String(row.clientId),
          serverId: String(row.serverId),
          acceptedAt: storedTime(row.acceptedAt),
          text: this.text(position),
        };
      });
  }

  /** How many of a session's runs wait, in any server but this one. */
  countElsewhere(sessionId: string, serverId: string): number {
    const sql = `SELECT count(*) AS n ${waiting} AND serverId <> ?`;
    return readOr(
      () => Number(this.#database.prepare(sql).get(sessionId, serverId)?.n ?? 0),
      () => 0,
    );
  }

  /**
   * Puts waiting runs of one session into this order. Together they keep the same places in the
   * queue.
   */
  setOrder(positions: readonly number[]): void {
    const places = positions
      .map((position) =>
        Number(
          this.#database
            .prepare("SELECT COALESCE(place, position) AS place FROM runs WHERE position = ?")
            .get(position)?.place,
        ),
      )
      .sort((a, b) => a - b);
    for (const [index, position] of positions.entries()) {
      this.#database
        .prepare("UPDATE runs SET place = ? WHERE position = ?")
        .run(places[index] ?? position, position);
    }
  }

  /**
   * Whether runs still wait and belong to a server. Another server that took it for dead may have
   * them now.
   */
  areOf(serverId: string, positions: readonly number[]): boolean {
    const sql = "SELECT 1 FROM runs WHERE position = ? AND serverId = ? AND state = 'queued'";
    return positions.every(
      (position) => this.#database.prepare(sql).get(position, serverId) !== undefined,
    );
  }

  /** The sessions of a workspace with released runs. */
  ownerless(workspaceId: string): string[] {
    return this.#database
      .prepare(
        "SELECT DISTINCT sessionId FROM runs WHERE serverId = ? AND state <> 'completed' AND workspaceId = ?",
      )
      .all(nobody, workspaceId)
      .map(({ sessionId }) => String(sessionId));
  }
}

/** The stored names of attachments; undefined if that is damaged. */
function filesOf(text: string | undefined): Omit<KeptFile, "data">[] | undefined {
  try {
    const files: unknown = JSON.parse(text ?? "");
    if (!Array.isArray(files)) return undefined;
    const isWhole = files.every(
      (file) => typeof file?.name === "string" && typeof file?.mimeType === "string",
    );
    return isWhole ? files : undefined;
  } catch {
    // Text that is no JSON is damaged. The run is ended for that reason.
    return undefined;
  }
}
