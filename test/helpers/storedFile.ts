// Opens a database beside the server that writes it. SQLite itself does not wait for another's commit:
// whoever opens the file without a limit fails with "database is locked" on a slow machine.
import { DatabaseSync } from "@photostructure/sqlite";

/** As long as a server waits for another one, in milliseconds. */
const busyTimeoutMs = 5000;

/** Opens an SQLite file; a statement waits for whoever writes it. */
export function openStored(
  file: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): InstanceType<typeof DatabaseSync> {
  return new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs });
}
