import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostCallsAtOnce, runInOrder } from "../../src/agent/callOrder.js";
import { Deferred } from "../../src/base/deferred.js";

interface Item {
  readonly name: number;
  readonly shares: boolean;
}

/** Runs items that end one by one, each time the one that `pick` names of those that run. */
async function play(items: readonly Item[], pick: (running: number) => number) {
  const running = new Map<Item, () => void>();
  const journal: { readonly began: readonly number[] }[] = [];
  const began: Item[] = [];
  const groups: (readonly Item[])[] = [];
  let isOver = false;
  const done = runInOrder(
    items,
    ({ shares }) => shares,
    (group) => {
      groups.push(group);
      return async (item) => {
        began.push(item);
        const { promise, resolve } = new Deferred<void>();
        running.set(item, resolve);
        await promise;
      };
    },
  ).finally(() => {
    isOver = true;
  });
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  await settle();
  while (!isOver) {
    journal.push({ began: [...running.keys()].map(({ name }) => name) });
    const [item, end] = [...running][pick(running.size)] ?? [];
    if (item === undefined || end === undefined) throw new Error("nothing runs, and nothing ends");
    running.delete(item);
    end();
    await settle();
  }
  await done;
  return { journal, began, groups };
}

const someItems = fc
  .array(fc.boolean(), { maxLength: 30 })
  .map((flags) => flags.map((shares, name) => ({ name, shares })));

describe("the order of a reply's calls", () => {
  it("keeps every promise, whatever ends first", async () => {
    await fc.assert(
      fc.asyncProperty(someItems, fc.infiniteStream(fc.nat()), async (items, choices) => {
        const { journal, began, groups } = await play(
          items,
          (running) => (choices.next().value ?? 0) % running,
        );
        expect(began).toEqual(items);
        expect(groups.flat()).toEqual(items);
        for (const { began: names } of journal) {
          expect(names.length).toBeLessThanOrEqual(mostCallsAtOnce);
          if (names.length < 2) continue;
          const [from = 0, to = 0] = [Math.min(...names), Math.max(...names)];
          // All that run together share, and so does everything between them.
          expect(items.slice(from, to + 1).every(({ shares }) => shares)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("runs as many at once as it may", async () => {
    const items = Array.from({ length: 20 }, (_, name) => ({ name, shares: true }));
    const { journal } = await play(items, () => 0);
    expect(journal[0]?.began).toHaveLength(mostCallsAtOnce);
    expect(journal[5]?.began).toHaveLength(mostCallsAtOnce);
  });

  it("rejects when all that began has ended, and begins nothing more", async () => {
    const gate = new Deferred<void>();
    const began: number[] = [];
    const ended: number[] = [];
    const run = runInOrder(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
      () => true,
      () => async (item) => {
        began.push(item);
        if (item === 2) throw new Error("it cannot be stored");
        await gate.promise;
        ended.push(item);
      },
    );
    const outcome = run.then(
      () => "resolved",
      (error: Error) => error.message,
    );
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(began).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    gate.resolve();
    expect(await outcome).toBe("it cannot be stored");
    expect(ended).toEqual([1, 3, 4, 5, 6, 7, 8]);
    expect(began).toHaveLength(8);
  });
});
