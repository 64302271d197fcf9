import { afterEach, beforeEach, expect, it } from "vitest";
import type { PendingPage } from "../../src/events/pendingPage.js";
import { pendingCompletions } from "../../src/protocol/pendingCompletions.js";
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

/** All pages, as their sizes and as their runs. */
function pages(sessionId?: string) {
  const sizes: number[] = [];
  const runIds: (string | undefined)[] = [];
  for (let page: PendingPage = { completions: [], next: 0 }; page.next !== undefined; ) {
    page = house.outbox.listPending("client", { sessionId, after: page.next });
    sizes.push(page.completions.length);
    runIds.push(...page.completions.map(({ runId }) => runId));
  }
  return { sizes, runIds };
}

it("ends when 2,000 were looked at, also where none of them is meant", () => {
  house.database.write(() => {
    for (let n = 0; n < 2003; n++) house.append(`r${n}`, "client", n < 2001 ? "many" : "few");
  });
  house.notes.set("takenInDamaged", "3");
  const all = Array.from({ length: 2003 }, (_, n) => `r${n}`).filter((runId) => runId !== "r2");
  expect(pages()).toEqual({ sizes: [1999, 3], runIds: all });
  expect(pages("few")).toEqual({ sizes: [0, 2], runIds: ["r2001", "r2002"] });
});

it("ends behind the completion that makes it 4 MiB", () => {
  const mebibyte = "x".repeat(1024 * 1024);
  for (let n = 0; n < 5; n++) house.append(`r${n}`, "client", "s", mebibyte);
  expect(pages()).toEqual({ sizes: [4, 1], runIds: ["r0", "r1", "r2", "r3", "r4"] });
});

it("is asked for by a client until there is none, whatever it has acknowledged meanwhile", async () => {
  house.database.write(() => {
    for (let n = 0; n < 2002; n++) house.append(`r${n}`);
  });
  const cursors: unknown[] = [];
  const ask = async ({ cursor }: { cursor?: string | undefined }) => {
    cursors.push(cursor);
    const after = cursor === undefined ? undefined : Number(cursor);
    const { completions, next } = house.outbox.listPending("client", { after });
    return { completions, nextCursor: next === undefined ? undefined : String(next) };
  };
  let count = 0;
  for await (const { runId } of pendingCompletions(ask)) {
    expect(runId).toBe(`r${count++}`);
    house.acknowledge(runId ?? "");
  }
  expect(count).toBe(2002);
  expect(cursors).toEqual([undefined, "2000"]);
});
