import { DomainError } from "../base/errors.js";
import type { Database, SqlValue } from "./database.js";

/** A file with fewer migrations has no columns for the options of runs. */
const optionsFrom = 10;

/**
 * The part of an INSERT for a column with options. While an older server prevents the migration that adds
 * the column, no options can be stored; rows without options are stored as before.
 *
 * @throws DomainError `StorageFailed`
 */
export function optionColumn(
  database: Pick<Database, "steps">,
  name: "options" | "defaults",
  text: string | undefined,
): { readonly columns: string; readonly places: string; readonly values: readonly SqlValue[] } {
  if (database.steps >= optionsFrom) {
    return { columns: `, ${name}`, places: ", ?", values: [text ?? null] };
  }
  if (text === undefined) return { columns: "", places: "", values: [] };
  throw new DomainError(
    "StorageFailed",
    `An older server has this data directory open, and its database cannot hold \`${name}\` until that server has ended.`,
    { data: { reason: "olderServerRunning" } },
  );
}
