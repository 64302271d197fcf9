// What the messages of a long connection leave in the heap.
import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { silentLog } from "../../src/base/log.js";
import { InboundRequests } from "../../src/transport/inboundRequests.js";
import { OutgoingRequests } from "../../src/transport/outgoingRequests.js";
import { ChannelWriter } from "../../src/transport/writer.js";
import { survivedBytes, youngCollector } from "../helpers/heap.js";

function writerTo(output: Writable): ChannelWriter {
  const inbound = new InboundRequests();
  const outgoing = new OutgoingRequests();
  const writer = new ChannelWriter({ output, inbound, outgoing, log: silentLog, tap: {} });
  writer.setFraming("ndjson");
  return writer;
}

it("is nothing that survives, though each was waited for", async () => {
  const collectYoung = youngCollector();
  const writer = writerTo(new Writable({ write: (_bytes, _encoding, done) => done() }));
  const send = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await writer.send(`{"n":${n}}`);
      if (n % 100 === 0) collectYoung();
    }
  };
  await send(2_000);
  // As after a quiet while: what the writer holds is old, and what it drops of that stays until a full
  // collection, with all that this points to.
  for (let round = 0; round < 3; round++) collectYoung();
  const before = survivedBytes();
  await send(50_000);
  expect(survivedBytes() - before).toBeLessThan(2_400_000);
});

it("tells each sender once, in whatever order the stream confirms its writes", async () => {
  const done: ((error?: Error) => void)[] = [];
  const output = Object.assign(new Writable(), {
    write: (_bytes: string, told: (error?: Error) => void) => done.push(told) > 0,
  });
  const writer = writerTo(output as unknown as Writable);
  const told: string[] = [];
  const sent = ["a", "b", "c", "d", "e"].map((name) =>
    writer.send(`"${name}"`).then(
      () => told.push(name),
      (error: Error) => told.push(`${name}: ${error.message}`),
    ),
  );
  for (const index of [1, 4, 0]) done[index]?.();
  await Promise.all([0, 1, 4].map((index) => sent[index]));
  expect(told).toEqual(["b", "e", "a"]);
  expect(writer.unsentLength).toBe(6);
  output.destroy(new Error("gone"));
  await Promise.all(sent);
  expect(told.slice(3).toSorted()).toEqual(["c: gone", "d: gone"]);
  // The stream may still confirm what was given up.
  for (const index of [2, 3]) done[index]?.();
  expect(writer.unsentLength).toBe(0);
});
