// What the delivery of very many completions leaves in the heap.
import { afterEach, beforeEach, expect, it } from "vitest";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { haveOneClass } from "../helpers/heap.js";
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

it("is no hidden class for each completion that is sent", () => {
  const haveSame = haveOneClass();
  house.database.write(() => {
    for (let n = 0; n < 200; n++) house.append(`r${n}`);
  });
  const filter = house.outbox.filter("client", 200);
  const sent: RunComplete[] = [];
  for (let row = house.outbox.peek(filter, 0); row; ) {
    const completion = house.outbox.deliver([row])[0];
    if (completion !== undefined) sent.push(completion);
    row = house.outbox.peek(filter, row.sequence);
  }
  expect(sent.map(({ sequence, attempt }) => [sequence, attempt])).toEqual(
    Array.from({ length: 200 }, (_, n) => [n + 1, 1]),
  );
  // V8 settles on one after a few.
  const settled = sent.slice(100);
  expect(settled.filter((one) => haveSame(one, settled[0] ?? {}))).toHaveLength(100);
});
