import { PassThrough, Readable, Writable } from "node:stream";
import { expect, it } from "vitest";
import { Passage } from "../../src/inspector/passage.js";

const unwatched = { push() {} };

it("reads no further than the target takes, however much there is", async () => {
  let given = 0;
  const source = new Readable({
    highWaterMark: 1024,
    read() {
      given += 1024;
      this.push(Buffer.alloc(1024));
    },
  });
  const takes: (() => void)[] = [];
  const target = new Writable({
    highWaterMark: 4096,
    write: (_chunk, _encoding, taken) => void takes.push(taken),
  });
  new Passage(source, target, "server", unwatched);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  const atFirst = given;
  expect(atFirst).toBeLessThanOrEqual(4096 + 2 * 1024);
  for (let turn = 0; turn < 50; turn++) {
    takes.shift()?.();
    await new Promise(setImmediate);
  }
  expect(given).toBeGreaterThan(atFirst);
});

it("tells the watcher of bytes when they were passed on", async () => {
  const order: string[] = [];
  const source = new PassThrough();
  const target = new Writable({
    write(_chunk, _encoding, taken) {
      order.push("passed on");
      taken();
    },
  });
  const passage = new Passage(source, target, "client", { push: () => void order.push("watched") });
  source.end("x");
  await passage.done;
  expect(order).toEqual(["passed on", "watched"]);
});

it("ends when the target is broken, and reads the source no more", async () => {
  const source = new PassThrough();
  const target = new Writable({ write: (_chunk, _encoding, taken) => taken(new Error("EPIPE")) });
  const passage = new Passage(source, target, "server", unwatched);
  source.write("x");
  await passage.done;
  expect(source.destroyed).toBe(true);
});
