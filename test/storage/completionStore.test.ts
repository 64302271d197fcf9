import { afterEach, beforeEach, expect, it } from "vitest";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: OutboxHouse;

beforeEach(() => {
  folder = temporaryFolder();
  house = new OutboxHouse(folder.path);
});

afterEach(() => {
  house.close();
  folder.remove();
});

/** The runs of a client, in the order in which a connection gets them. */
function sent(clientId: string, backlogEnd: number, then: (runId: string) => void = () => {}) {
  const filter = house.outbox.filter(clientId, backlogEnd);
  const runIds: string[] = [];
  let after = 0;
  for (let row = house.outbox.peek(filter, 0); row; row = house.outbox.peek(filter, after)) {
    after = row.sequence;
    const completion = house.outbox.deliver([row])[0];
    if (completion === undefined) continue;
    runIds.push(String(completion.runId));
    then(String(completion.runId));
  }
  return runIds;
}

it("counts what a client has not acknowledged, of this and of earlier servers", () => {
  for (const runId of ["a", "b", "c", "d"]) house.append(runId);
  house.append("x", "other");
  house.acknowledge("b");
  expect(house.completions.backlog("client")).toEqual({ count: 3, end: 5 });
  expect(house.completions.backlog("other")).toEqual({ count: 1, end: 5 });
  expect(house.completions.backlog("nobody")).toEqual({ count: 0, end: 5 });
  house.close();
  house = new OutboxHouse(folder.path, house);
  house.append("e");
  expect(house.completions.backlog("client")).toEqual({ count: 4, end: 6 });
});

it("does not count what was taken in although its row is damaged, and counts nothing twice", () => {
  for (const runId of ["a", "b", "c"]) house.append(runId);
  house.append("x", "other");
  house.acknowledge("c");
  // The second is damaged, the third was repaired since, the fourth is another's, the ninth is gone.
  house.notes.set("takenInDamaged", "2 3 4 9");
  expect(house.completions.backlog("client").count).toBe(1);
  expect(house.completions.backlog("other").count).toBe(0);
});

it("reads no list of a long backlog to count it", () => {
  house.database.write(() => {
    for (let n = 0; n < 500; n++) house.append(`r${n}`);
  });
  let rows = 0;
  const prepare = house.database.prepare.bind(house.database);
  house.database.prepare = (sql) => {
    const statement = prepare(sql);
    const all: typeof statement.all = (...values) => {
      const found = statement.all(...values);
      rows += found.length;
      return found;
    };
    return { ...statement, all };
  };
  expect(house.completions.backlog("client").count).toBe(500);
  expect(rows).toBe(0);
});

it("gives all in order, while some are acknowledged and others come behind the end", () => {
  for (let n = 0; n < 10; n++) house.append(`r${n}`);
  const { end } = house.completions.backlog("client");
  const runIds = sent("client", end, (runId) => {
    if (runId === "r3") for (const next of ["r2", "r5", "r6"]) house.acknowledge(next);
    if (runId === "r4") house.append("later");
    if (runId === "r9") house.append("x", "other");
  });
  expect(runIds).toEqual(["r0", "r1", "r2", "r3", "r4", "r7", "r8", "r9", "later"]);
  expect(house.completions.backlog("client").count).toBe(8);
});
