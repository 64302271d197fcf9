import { DomainError } from "../base/errors.js";
import type { Database, SqlValue } from "./database.js";

/** A file with fewer steps has no columns for what was asked of runs. */
const optionsFrom = 10;

/**
 * What an INSERT says of a column that holds options. While an older server keeps the file without the
 * column, nothing can be asked, and what asks nothing is stored as before.
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
