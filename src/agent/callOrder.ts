// The order in which the tool calls of one reply run.

/** How many calls of a reply run at once. */
export const mostCallsAtOnce = 8;

/**
 * Runs each item in its order. Neighbours that may run together do so, at most {@link
 * mostCallsAtOnce} at the same time. Any other item runs alone: it begins when all items before
 * it have ended, and the next one begins after its end.
 *
 * When `run` rejects, no further item begins. The promise rejects with that reason when all items that
 * have begun have ended.
 *
 * @param begin is called with each group of neighbours before the first of them runs.
 */
export async function runInOrder<Item>(
  items: readonly Item[],
  mayShare: (item: Item) => boolean,
  begin: (group: readonly Item[]) => (item: Item) => Promise<void>,
): Promise<void> {
  for (const group of groupsOf(items, mayShare)) await runTogether(group, begin(group));
}

/** Groups neighbours that may run together. Every other item is in a group of its own. */
function groupsOf<Item>(items: readonly Item[], mayShare: (item: Item) => boolean): Item[][] {
  const groups: Item[][] = [];
  let shared: Item[] | undefined;
  for (const item of items) {
    if (shared !== undefined && mayShare(item)) {
      shared.push(item);
      continue;
    }
    const group = [item];
    groups.push(group);
    shared = mayShare(item) ? group : undefined;
  }
  return groups;
}

async function runTogether<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const runThoseLeft = async () => {
    for (let item = items[next]; item !== undefined && !hasFailed; item = items[next]) {
      next += 1;
      try {
        await run(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  const lines = Array.from({ length: Math.min(mostCallsAtOnce, items.length) }, runThoseLeft);
  for (const ended of await Promise.allSettled(lines)) {
    if (ended.status === "rejected") throw ended.reason;
  }
}
