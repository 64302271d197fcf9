// Looks at how SQLite carries out the statements of a test. The time that a statement takes on the small
// files of tests tells nothing; its plan does.
import { Database } from "../../src/storage/database.js";

const { prepare } = Database.prototype;
const known = new Set<string>();

/** How a statement is carried out, step by step. */
export function planOf(database: Database, sql: string): string[] {
  return prepare
    .call(database, `EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

/**
 * From now on, no statement of this process may ask for the open runs of a session and look at all that it
 * ever had: of a session that is used for months, these are many thousands.
 */
export function refuseSlowPlans(): void {
  Database.prototype.prepare = function (sql) {
    if (asksForOpenRuns(sql) && !known.has(sql)) {
      known.add(sql);
      const slow = planOf(this, sql).filter((step) => /\brunsOfSession\b/.test(step));
      if (slow.length > 0) throw new Error(`${slow.join("; ")} is the plan of: ${sql}`);
    }
    return prepare.call(this, sql);
  };
}

function asksForOpenRuns(sql: string): boolean {
  return sql.includes("state <> 'completed'") || sql.includes("state = 'queued'");
}
