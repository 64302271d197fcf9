import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { stdioStream } from "../../src/acp/stdioStream.js";

const request = (id: number) =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method: "session/list" })}\n`;

it("reads no further request while 1,000 have no answer that was taken", async () => {
  const input = new PassThrough();
  const answered: unknown[] = [];
  const stream = stdioStream(input, new PassThrough(), {
    read() {},
    answered: (id) => answered.push(id),
  });
  input.end(Array.from({ length: 1_002 }, (_, id) => request(id)).join(""));
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  for (let read = 0; read < 1_000; read++) await reader.read();
  let isRead = false;
  const next = reader.read().then((result) => {
    isRead = true;
    return result;
  });
  // Whatever could be read by now would have been: the lines are all there.
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(isRead).toBe(false);
  await writer.write({ jsonrpc: "2.0", id: 0, result: {} });
  expect(answered).toEqual([0]);
  expect((await next).value).toMatchObject({ id: 1_000 });
});
