// Indexes the messages that were noted when they had their final text (src/storage/searchIndex.ts), many in one
// commit. A search begins with that, and a server does it about a second after the messages.
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** So many are indexed in one commit at most. */
const mostAtOnce = 100;

/**
 * Indexes the messages that were noted before this call, some in each step. A step takes about so many
 * milliseconds, or what one message takes, and may throw where nothing can be written. It ends early where
 * the file is damaged.
 */
export function* indexNoted(database: Database, forMs: number): Generator<void> {
  const index = new SearchIndex(database);
  if (!index.notes) return;
  const newest = database.prepare("SELECT max(position) AS position FROM unindexed");
  const upTo = readOr(
    () => Number(newest.get()?.position ?? 0),
    () => 0,
  );
  while (
    readOr(
      () => step(database, index, upTo, forMs),
      () => false,
    )
  ) {
    yield;
  }
}

/** Returns whether there was something to index. */
function step(database: Database, index: SearchIndex, upTo: number, forMs: number): boolean {
  const noted = database.prepare(
    "SELECT position FROM unindexed WHERE position <= ? ORDER BY position LIMIT ?",
  );
  if (noted.get(upTo, 1) === undefined) return false;
  database.write(() => {
    const end = performance.now() + forMs;
    let last = 0;
    for (const { position } of noted.all(upTo, mostAtOnce)) {
      if (last > 0 && performance.now() >= end) break;
      last = Number(position);
      readOr(
        () => index.messageAt(last),
        () => undefined,
      );
    }
    // One that was deleted meanwhile was noted too.
    database.prepare("DELETE FROM unindexed WHERE position <= ?").run(last);
  });
  return true;
}
