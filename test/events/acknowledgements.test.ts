// protocol.md section 5: acknowledgements that come together share a commit, and nobody sees that.
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DeliveryHouse, identify } from "../helpers/deliveryHouse.js";
import { Pipe } from "../helpers/pipe.js";

let house: DeliveryHouse;
let commits: number;

/** As where many sessions are busy, or as where one is. */
function open(sharesCommits: boolean): void {
  house = new DeliveryHouse(sharesCommits);
  for (const runId of ["a", "b", "c"]) house.append(runId);
  commits = 0;
  house.database.onWritten(() => commits++);
}

beforeEach(() => open(true));
afterEach(() => house.close());

const take = (...runIds: string[]) => Promise.all(runIds.map((runId) => house.acknowledge(runId)));

it("share one commit where many sessions are busy, and each is told what it named", async () => {
  const told = take("a", "gone", "b");
  expect(commits).toBe(0);
  await house.clock.settle();
  expect(commits).toBe(1);
  expect((await told).map(({ acknowledged, unknown }) => [acknowledged.length, unknown])).toEqual([
    [1, []],
    [0, ["gone"]],
    [1, []],
  ]);
  await house.clock.settle();
  expect(commits).toBe(1);
});

it("are written at once where one session is busy", async () => {
  house.close();
  open(false);
  const told = take("a");
  expect(commits).toBe(1);
  expect(await told).toMatchObject([{ unknown: [] }]);
});

it("go with a commit that comes anyway, and wait for none", async () => {
  const told = take("a");
  const accepted = new Promise<void>((resolve) => {
    house.commits.join({
      isDurable: true,
      subjects: [],
      write: () => void house.append("d"),
      accepted: resolve,
      refused: () => {},
    });
  });
  await house.clock.settle();
  await Promise.all([told, accepted]);
  expect(commits).toBe(1);
});

it.each<[string, () => unknown]>([
  ["the list", () => house.outbox.listPending("client").completions.length],
  ["the backlog of a new connection", () => house.outbox.backlog("client").count],
  ["the next to send", () => house.outbox.peek(house.outbox.filter("client", 3), 0)?.sequence],
  ["the one of a sequence", () => house.outbox.pendingAt("client", 1)?.sequence],
])("are seen by %s before they had their commit", async (_, look) => {
  const before = look();
  const told = take("a");
  expect(look()).not.toEqual(before);
  expect(commits).toBe(1);
  expect(await told).toMatchObject([{ unknown: [] }]);
  await house.clock.settle();
  expect(commits).toBe(1);
});

it("keep a completion from being sent that was taken for sending before", async () => {
  const row = house.outbox.peek(house.outbox.filter("client", 3), 0);
  const told = take("a");
  expect(house.outbox.deliver(row === undefined ? [] : [row])).toEqual([undefined]);
  expect(await told).toMatchObject([{ unknown: [] }]);
});

it("that cannot be written are refused, each to whom it belongs, and are not lost on the next try", async () => {
  house.breakDisk();
  const refused = Promise.allSettled([house.acknowledge("a"), house.acknowledge("b")]);
  await house.clock.settle();
  expect((await refused).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  house.breakDisk(false);
  expect(house.outbox.listPending("client").completions).toHaveLength(3);
  const again = take("a", "b");
  await house.clock.settle();
  await again;
  expect(house.outbox.listPending("client").completions).toMatchObject([{ runId: "c" }]);
});

it("are refused where the database was replaced, also in a commit that need not be durable", async () => {
  unlinkSync(join(house.folder, "turnwire.db"));
  const refused = Promise.allSettled([house.acknowledge("a")]);
  await house.clock.settle();
  expect(await refused).toMatchObject([{ reason: { data: { reason: "databaseReplaced" } } }]);
});

it("that name many completions have a commit of their own: nobody waits for all of them", async () => {
  const many = Array.from({ length: 1000 }, (_, n) => `cmp_${n}`);
  const told = house.outbox.acknowledge("other", many, 1);
  expect(commits).toBe(1);
  expect((await told).unknown).toHaveLength(1000);
});

it.each([
  ["where they share a commit", () => house.clock.settle()],
  ["where somebody looks", async () => void house.outbox.backlog("client")],
])("of which one cannot be written refuse no other, %s", async (_, goOn) => {
  house.database
    .prepare(
      "CREATE TEMP TRIGGER no BEFORE UPDATE ON completions WHEN old.sequence = 2 BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .run();
  const told = Promise.allSettled(["a", "b", "c"].map((runId) => house.acknowledge(runId)));
  await goOn();
  expect((await told).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(house.outbox.listPending("client").completions).toMatchObject([{ runId: "b" }]);
});

it("do not keep others from looking where the disk refuses them", async () => {
  house.breakDisk();
  const refused = Promise.allSettled([house.acknowledge("a")]);
  expect(house.outbox.listPending("client").completions).toHaveLength(3);
  expect(await refused).toMatchObject([{ status: "rejected" }]);
  house.breakDisk(false);
  await house.clock.settle();
  expect(house.outbox.backlog("client").count).toBe(3);
});

it("stay owed where the transaction that would have written them is undone", async () => {
  const told = take("a");
  expect(() =>
    house.database.write(() => {
      house.outbox.settle();
      throw new Error("undone");
    }),
  ).toThrow("undone");
  expect(house.completions.pendingAt("client", 1)).toBeDefined();
  await house.clock.settle();
  expect(await told).toMatchObject([{ unknown: [] }]);
  expect(house.completions.pendingAt("client", 1)).toBeUndefined();
});

it("are written before the server ends, also those of a moment ago", async () => {
  const told = take("a");
  house.outbox.settle();
  expect(await told).toMatchObject([{ unknown: [] }]);
  expect(house.completions.pendingAt("client", 1)).toBeUndefined();
});

it("of a client that gets completions again stop that", async () => {
  const pipe = new Pipe();
  identify(house.connect(pipe), 1000);
  await house.clock.settle();
  expect(pipe.taken).toHaveLength(3);
  const told = take("a", "b");
  await house.clock.advance(1200);
  await told;
  expect(pipe.taken.slice(3)).toMatchObject([{ params: { runId: "c", attempt: 2 } }]);
});
