// Says how far the relays of a data directory have come, from outside: the database is only read.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { databaseName } from "../base/dataFiles.js";
import { defined } from "../base/defined.js";
import { openReadOnly } from "./openReadOnly.js";
import { notedPlace, placeNote } from "./relayPlaces.js";
import type { Row } from "./statement.js";
import { storageError } from "./storageError.js";

/** How far a relay has come. */
export interface RelayReport {
  readonly name: string;
  /** How many completions are still to be sent. */
  readonly behind: number;
  readonly setAside: number;
  /** How many of those are to be sent again. */
  readonly asked?: number;
  /** Why nothing gets on. */
  readonly trouble?: string;
  /** Since when, in milliseconds since the Unix epoch. */
  readonly troubleSince?: number;
  /** The other side wants nothing more. */
  readonly isStopped: boolean;
  /** Where it carries them. */
  readonly place?: string;
  /** Where it carried them before, if that was another place. */
  readonly placeBefore?: string;
  /** When that changed, in milliseconds since the Unix epoch. */
  readonly placeChangedAt?: number;
}

/**
 * The relays of a data directory; none if there is no database yet.
 *
 * @throws DomainError `StorageFailed` where the database cannot be read.
 */
export function relayReports(dataDirectory: string): RelayReport[] {
  const file = join(dataDirectory, databaseName);
  if (!existsSync(file)) return [];
  try {
    const sqlite = openReadOnly(file);
    try {
      const known = sqlite
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'relays'")
        .get();
      if (known === undefined) return [];
      // Counted in an index: the table has the texts of all completions between its numbers.
      const sql = `SELECT *,
        (SELECT count(*) FROM completions INDEXED BY sqlite_autoindex_completions_2
          WHERE run > 0 AND sequence > relays.cursor) AS behind,
        (SELECT count(*) FROM setAside WHERE relay = relays.name) AS aside,
        (SELECT count(*) FROM setAside WHERE relay = relays.name AND isAsked = 1) AS asked,
        (SELECT value FROM notes WHERE name = '${placeNote}' || relays.name) AS place
        FROM relays ORDER BY name`;
      return (sqlite.prepare(sql).all() as Row[]).map(toReport);
    } finally {
      sqlite.close();
    }
  } catch (error) {
    throw storageError(file, error);
  }
}

function toReport(row: Row): RelayReport {
  const trouble = typeof row.trouble === "string" ? row.trouble : undefined;
  const troubleSince = typeof row.troubleSince === "number" ? row.troubleSince : undefined;
  const noted = notedPlace(row.place);
  return {
    name: String(row.name),
    behind: Number(row.behind),
    setAside: Number(row.aside),
    ...defined({ asked: Number(row.asked) || undefined, trouble, troubleSince }),
    isStopped: row.isStopped === 1,
    ...defined({
      place: noted?.shown,
      placeBefore: noted?.before?.shown,
      placeChangedAt: noted?.before?.changedAt,
    }),
  };
}
