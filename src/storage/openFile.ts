// Opens the one SQLite file safely (protocol.md section 9): a file that is not ours, or newer than
// this program, is not changed.
import { DatabaseSync } from "@photostructure/sqlite";
import { openingError } from "./folderProbe.js";
import { schema as ownSchema, type Schema } from "./migrations.js";
import { type OlderServer, SchemaSteps } from "./schemaSteps.js";
import { busyCode, sqliteCodeOf } from "./storageError.js";

type Sqlite = InstanceType<typeof DatabaseSync>;

/** How long a statement waits for another server's write, in milliseconds. */
const busyTimeoutMs = 5000;
/** How long a start waits between two tries to set a new file up, in milliseconds. */
const lookAgainMs = 10;
/**
 * A commit moves the log into the file only if no quiet moment has done so; 16 MB of 4 KiB pages.
 */
const mostLogPages = 4000;

/**
 * Opens or creates `file` and brings its schema up to date, unless `olderServers` names living servers
 * that know fewer steps; tells how many the file has taken.
 *
 * @throws DomainError `StorageFailed` if it cannot be opened, is damaged, belongs to another
 *   program, or is of a schema that this one cannot work with; the file is left untouched then.
 */
export function openFile(
  file: string,
  schema: Schema = ownSchema,
  olderServers: (sqlite: Sqlite) => readonly OlderServer[] = () => [],
): { readonly sqlite: Sqlite; readonly steps: number } {
  let sqlite: Sqlite | undefined;
  try {
    sqlite = new DatabaseSync(file, {
      timeout: busyTimeoutMs,
      enableForeignKeyConstraints: false,
    });
    const steps = new SchemaSteps(sqlite, file, schema);
    steps.check();
    if (isNew(sqlite)) sqlite.exec("PRAGMA auto_vacuum = INCREMENTAL");
    useWriteAheadLog(sqlite);
    sqlite.exec("PRAGMA synchronous = NORMAL");
    sqlite.exec(`PRAGMA wal_autocheckpoint = ${mostLogPages}`);
    const opened = sqlite;
    return { sqlite, steps: steps.take(() => olderServers(opened)) };
  } catch (error) {
    if (sqlite?.isOpen) sqlite.close();
    throw openingError(file, error);
  }
}

/** Only a file without a page can be prepared to get smaller step by step. */
function isNew(sqlite: Sqlite): boolean {
  const { page_count: pages } = sqlite.prepare("PRAGMA page_count").get() as { page_count: number };
  return pages === 0;
}

/** SQLite does not wait if two servers set up the same new file; this does. */
function useWriteAheadLog(sqlite: Sqlite): void {
  for (let waitedMs = 0; ; waitedMs += lookAgainMs) {
    try {
      sqlite.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (sqliteCodeOf(error) !== busyCode || waitedMs >= busyTimeoutMs) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookAgainMs);
  }
}
