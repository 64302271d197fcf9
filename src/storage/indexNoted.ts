// Indexes the messages that were noted when they had their final text (src/storage/searchIndex.ts), many in one
// commit. A search begins with that, and a server does it about a second after the messages.
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { SearchIndex } from "./searchIndex.js";

/** So many are indexed in one commit at most. */
const mostAtOnce = 100;
/** What is indexed takes about as long again when it is committed: this much of messages counts as a millisecond. */
const textPerMs = 4096;

/**
 * Indexes the messages that were noted before this call, some in each step. A step takes about so many
 * milliseconds, or what one message takes. Where the index is damaged that is told, and what was noted is
 * not indexed: a repair indexes everything.
 *
 * @throws DomainError `StorageFailed` from a step where nothing can be written; what is left stays noted.
 */
export function* indexNoted(database: Database, forMs: number): Generator<void> {
  const index = new SearchIndex(database);
  if (!index.notes) return;
  const newest = database.prepare("SELECT max(position) AS position FROM unindexed");
  const upTo = readOr(
    () => Number(newest.get()?.position ?? 0),
    () => 0,
  );
  const isLeft = () =>
    readOr(
      () => step(database, index, upTo, forMs),
      (reason) => giveUp(database, upTo, reason),
    );
  while (isLeft()) yield;
}

/** Returns whether there was something to index. */
function step(database: Database, index: SearchIndex, upTo: number, forMs: number): boolean {
  const noted = database.prepare(
    "SELECT position FROM unindexed WHERE position <= ? ORDER BY position LIMIT ?",
  );
  if (noted.get(upTo, 1) === undefined) return false;
  database.write(() => {
    const end = performance.now() + forMs;
    let room = forMs * textPerMs;
    let last = 0;
    for (const { position } of noted.all(upTo, mostAtOnce)) {
      if (last > 0 && (room <= 0 || performance.now() >= end)) break;
      last = Number(position);
      room -= readOr(
        () => index.messageAt(last),
        () => 0,
      );
    }
    forget(database, last);
  });
  return true;
}

/** One that was deleted meanwhile was noted too. */
function forget(database: Database, upTo: number): void {
  database.prepare("DELETE FROM unindexed WHERE position <= ?").run(upTo);
}

/** The index, or the table of what is noted, is damaged in a place that every commit meets. */
function giveUp(database: Database, upTo: number, reason: string): false {
  database.damage.tell({ table: "searchIndex", id: "unindexed", reason });
  readOr(
    () => forget(database, upTo),
    () => undefined,
  );
  return false;
}
