// Which checkpoints are given up, because what they keep has become too much, or too old (protocol.md
// section 4, Taking back), and which kept contents are still needed.
import { notKept } from "./changedFiles.js";
import type { Database } from "./database.js";

/** In a database with fewer steps, no checkpoint is given up. */
const givenUpFrom = 16;

/** A checkpoint that can be given up. */
export interface OldestHeld {
  readonly position: number;
  readonly sessionId: string;
}

/** The checkpoints that are given up. Their rows stay: they say who has changed which file. */
export class GivenUpCheckpoints {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether checkpoints can be given up at all. */
  get isKept(): boolean {
    return this.#database.steps >= givenUpFrom;
  }

  /**
   * The oldest checkpoint behind `after`, made before a time in milliseconds, that keeps a content.
   * Neither one whose run is open, nor one of a session that is being rewound.
   */
  oldest(after: number, before: number): OldestHeld | undefined {
    if (!this.isKept) return undefined;
    const row = this.#database
      .prepare(
        `SELECT position, sessionId FROM checkpoints AS own INDEXED BY heldCheckpoints
         WHERE givenUp = 0 AND position > ? AND createdAt < ?
           AND EXISTS (SELECT 1 FROM changedFiles
             WHERE checkpoint = own.position AND beforeHash IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM runs WHERE position = own.run AND state <> 'completed')
           AND NOT EXISTS (SELECT 1 FROM checkpoints
             WHERE sessionId = own.sessionId AND rewindingServer IS NOT NULL)
         ORDER BY position LIMIT 1`,
      )
      .get(after, before);
    if (row === undefined) return undefined;
    return { position: Number(row.position), sessionId: String(row.sessionId) };
  }

  /**
   * Gives up a checkpoint, and with it the older ones of its session, which cannot do without it. Returns
   * the contents that they kept; others may need them too. Nothing if the session is being rewound by now.
   */
  giveUp({ position, sessionId }: OldestHeld): string[] {
    return this.#database.write(() => {
      if (this.#isRewound(sessionId)) return [];
      const rows = this.#database
        .prepare(
          `SELECT DISTINCT beforeHash FROM checkpoints JOIN changedFiles
             ON changedFiles.checkpoint = checkpoints.position
           WHERE checkpoints.sessionId = ? AND checkpoints.position <= ? AND givenUp = 0
             AND beforeHash IS NOT NULL AND beforeHash <> ?`,
        )
        .all(sessionId, position, notKept);
      this.#database
        .prepare(
          "UPDATE checkpoints SET givenUp = 1 WHERE sessionId = ? AND position <= ? AND givenUp = 0",
        )
        .run(sessionId, position);
      return rows.map(({ beforeHash }) => String(beforeHash));
    });
  }

  /** Whether a checkpoint is given up by now. */
  has(position: number): boolean {
    if (!this.isKept) return false;
    const sql = "SELECT 1 FROM checkpoints WHERE position = ? AND givenUp = 1";
    return this.#database.prepare(sql).get(position) !== undefined;
  }

  /**
   * Calls `remove` with those of the contents of a session that no checkpoint needs any more. While it
   * runs, no change is added that needs one of them. It must not wait.
   */
  removeNeedless(
    sessionId: string,
    hashes: readonly string[],
    remove: (hash: string) => void,
  ): void {
    this.#database.write(() => {
      if (this.#isRewound(sessionId)) return;
      const needed = this.needed(sessionId);
      for (const hash of hashes) if (!needed.has(hash)) remove(hash);
    });
  }

  #isRewound(sessionId: string): boolean {
    const sql = "SELECT 1 FROM checkpoints WHERE sessionId = ? AND rewindingServer IS NOT NULL";
    return this.#database.prepare(sql).get(sessionId) !== undefined;
  }

  /** The contents that a session needs now. */
  needed(sessionId: string): Set<string> {
    const rows = this.#database
      .prepare(
        `SELECT beforeHash FROM checkpoints JOIN changedFiles
           ON changedFiles.checkpoint = checkpoints.position
         WHERE checkpoints.sessionId = ? AND givenUp = 0 AND beforeHash IS NOT NULL`,
      )
      .all(sessionId);
    return new Set(rows.map(({ beforeHash }) => String(beforeHash)));
  }

  /** Every session that has a checkpoint. */
  sessions(): string[] {
    return this.#database
      .prepare("SELECT DISTINCT sessionId FROM checkpoints")
      .all()
      .map(({ sessionId }) => String(sessionId));
  }
}
