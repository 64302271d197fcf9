import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { drained } from "../../src/inspector/drained.js";

it("whoever is waited for often keeps nothing of it", async () => {
  const stream = new PassThrough();
  const before = ["drain", "close"].map((name) => stream.listenerCount(name));
  for (let times = 0; times < 20; times++) {
    const waited = drained(stream);
    stream.emit("drain");
    await waited;
  }
  expect(["drain", "close"].map((name) => stream.listenerCount(name))).toEqual(before);
  const last = drained(stream);
  stream.destroy();
  await last;
});
