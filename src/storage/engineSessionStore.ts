// Which session of an engine's own belongs to a session (docs/engines.md).
import { defined } from "../base/defined.js";
import type { Database } from "./database.js";
import { engineSessionSchema } from "./engineSessionSchema.js";
import { migrations } from "./migrations.js";

/** How many schema steps a file with the table has. */
const stepsWithTable = migrations.indexOf(engineSessionSchema) + 1;

/** A row. */
export interface EngineSessionRow {
  readonly engine: string;
  /** The id that the engine gave to its session. */
  readonly id: string;
  /** The last of our messages that the engine's session knows; absent if it knows none. */
  readonly upTo?: string;
}

/** The engines' own sessions. */
export class EngineSessionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The one of a session; undefined if there is none, or while an older server's schema is used. */
  get(sessionId: string): EngineSessionRow | undefined {
    if (this.#database.steps < stepsWithTable) return undefined;
    const row = this.#database
      .prepare("SELECT engine, ownId, upTo FROM engineSessions WHERE sessionId = ?")
      .get(sessionId);
    if (row === undefined) return undefined;
    const upTo = row.upTo === null ? undefined : String(row.upTo);
    return { engine: String(row.engine), id: String(row.ownId), ...defined({ upTo }) };
  }

  /** Writes the one of a session over the one before. Nothing, while an older server's schema is used. */
  set(sessionId: string, { engine, id, upTo }: EngineSessionRow): void {
    if (this.#database.steps < stepsWithTable) return;
    this.#database
      .prepare(
        `INSERT INTO engineSessions (sessionId, engine, ownId, upTo) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET engine = ?2, ownId = ?3, upTo = ?4`,
      )
      .run(sessionId, engine, id, upTo ?? null);
  }
}
