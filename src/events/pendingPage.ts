// A page of the completions that a client has not acknowledged: a client that was away for long may have very
// many, and all of a page is read, and sent, in one piece.
import type { RunComplete } from "../protocol/objects/run.js";
import type { CompletionRow, CompletionStore, PendingPlace } from "../storage/completionStore.js";

/** A page with so much text ends, in UTF-16 units. */
const mostText = 4 * 1024 * 1024;
/** How many are looked at for a page; each is read by itself. */
const mostLookedAt = 2000;

/** A page; with `next` there may be more behind that sequence. */
export interface PendingPage {
  readonly completions: RunComplete[];
  readonly next?: number;
}

/** The page behind `after`, of all or one workspace or session; it may be empty and have a next one. */
export function pendingPage(
  store: CompletionStore,
  toCompletion: (row: CompletionRow) => RunComplete,
  { clientId, ...place }: Omit<PendingPlace, "most"> & { readonly clientId: string },
): PendingPage {
  const completions: RunComplete[] = [];
  let [looked, room, last] = [0, mostText, 0];
  for (const { sequence, row } of store.pending(clientId, { ...place, most: mostLookedAt + 1 })) {
    if (room <= 0 || looked === mostLookedAt) return { completions, next: last };
    looked++;
    last = sequence;
    if (row === undefined) continue;
    const completion = toCompletion(row);
    completions.push(completion);
    // Most bodies have their text in them.
    room -= Math.max(row.body?.length ?? 0, completion.text.length);
  }
  return { completions };
}
