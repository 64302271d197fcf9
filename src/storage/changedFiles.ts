// The files that runs and rewinds have changed (protocol.md section 4, Taking back). Their old contents are
// beside the database.
import type { CheckpointRow } from "./checkpointRow.js";
import { storedText } from "./damage.js";
import type { Database, Row } from "./database.js";

/** Stands for a content that was too large to be kept. */
export const notKept = "notKept";

/** The old state of a file: the hash of its content, and its permissions. Undefined if there was no file. */
export interface HeldFile {
  readonly hash: string;
  readonly mode: number;
}

/** A file that a run, or a rewind, has changed. */
export interface ChangedFileRow {
  readonly checkpoint: number;
  /** Absolute and real. */
  readonly path: string;
  readonly before: HeldFile | undefined;
  readonly after: HeldFile | undefined;
  /** The topmost folder that was made for it. */
  readonly madeFolder: string | undefined;
  /** Whether somebody else changed it between two changes of the same run. */
  readonly isBroken: boolean;
  readonly added: number;
  readonly removed: number;
  /** Each new change of any session has a higher number. */
  readonly firstChange: number;
  readonly lastChange: number;
}

/** The values that are stored with a change. */
export type NewChange = Pick<
  ChangedFileRow,
  "path" | "before" | "after" | "madeFolder" | "added" | "removed"
>;

/** The changed files of every session. */
export class ChangedFiles {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The files that a checkpoint's run, or rewind, has changed, by path: at most `limit`, if given. */
  of(checkpoint: number, limit = -1): ChangedFileRow[] {
    return this.#database
      .prepare("SELECT * FROM changedFiles WHERE checkpoint = ? ORDER BY path LIMIT ?")
      .all(checkpoint, limit)
      .map(toChange);
  }

  /** The changes of a session since a checkpoint, including those of its own run, oldest first. */
  since({ sessionId, position }: CheckpointRow): ChangedFileRow[] {
    return this.#database
      .prepare(
        `SELECT changedFiles.* FROM checkpoints JOIN changedFiles
           ON changedFiles.checkpoint = checkpoints.position
         WHERE checkpoints.sessionId = ? AND checkpoints.position >= ?
         ORDER BY checkpoints.position, changedFiles.path`,
      )
      .all(sessionId, position)
      .map(toChange);
  }

  /** Another session that changed a file after the change with this number. */
  changedByOther(path: string, sessionId: string, change: number): string | undefined {
    const row = this.#database
      .prepare(
        `SELECT checkpoints.sessionId FROM changedFiles JOIN checkpoints
           ON checkpoints.position = changedFiles.checkpoint
         WHERE changedFiles.path = ? AND changedFiles.lastChange > ? AND checkpoints.sessionId <> ?
         LIMIT 1`,
      )
      .get(path, change, sessionId);
    return storedText(row?.sessionId);
  }

  /** The change that a checkpoint has of a path. */
  find(checkpoint: number, path: string): ChangedFileRow | undefined {
    const row = this.#database
      .prepare("SELECT * FROM changedFiles WHERE checkpoint = ? AND path = ?")
      .get(checkpoint, path);
    return row === undefined ? undefined : toChange(row);
  }

  /** Adds a change to a checkpoint. The content before the first change stays. */
  add(checkpoint: number, change: NewChange): void {
    const { path, before, after, madeFolder, added, removed } = change;
    this.#database.write(() => {
      const known = this.find(checkpoint, path);
      const order = this.#nextChange();
      if (known === undefined) {
        this.#database
          .prepare(
            `INSERT INTO changedFiles (checkpoint, path, beforeHash, beforeMode, afterHash, afterMode,
               madeFolder, added, removed, firstChange, lastChange) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          )
          .run(
            checkpoint,
            path,
            before?.hash ?? null,
            before?.mode ?? null,
            after?.hash ?? null,
            after?.mode ?? null,
            madeFolder ?? null,
            added,
            removed,
            order,
            order,
          );
        return;
      }
      // The file was gone in between, so taking this back loses no content.
      const isBroken = before !== undefined && before.hash !== known.after?.hash;
      this.#database
        .prepare(
          `UPDATE changedFiles SET afterHash = ?, afterMode = ?, isBroken = max(isBroken, ?),
             added = ?, removed = ?, lastChange = ? WHERE checkpoint = ? AND path = ?`,
        )
        .run(
          after?.hash ?? null,
          after?.mode ?? null,
          Number(isBroken),
          added,
          removed,
          order,
          checkpoint,
          path,
        );
    });
  }

  #nextChange(): number {
    const row = this.#database.prepare("SELECT max(lastChange) AS last FROM changedFiles").get();
    return Number(row?.last ?? 0) + 1;
  }

  /** A change that was not made. */
  remove(checkpoint: number, path: string): void {
    this.#database
      .prepare("DELETE FROM changedFiles WHERE checkpoint = ? AND path = ?")
      .run(checkpoint, path);
  }
}

function toChange(row: Row): ChangedFileRow {
  const held = (hash: unknown, mode: unknown): HeldFile | undefined =>
    typeof hash === "string" ? { hash, mode: Number(mode) } : undefined;
  return {
    checkpoint: Number(row.checkpoint),
    path: String(row.path),
    before: held(row.beforeHash, row.beforeMode),
    after: held(row.afterHash, row.afterMode),
    madeFolder: storedText(row.madeFolder),
    isBroken: row.isBroken === 1,
    added: Number(row.added),
    removed: Number(row.removed),
    firstChange: Number(row.firstChange),
    lastChange: Number(row.lastChange),
  };
}
