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

it("reads a long message in its place, and refuses one that is nested too deep", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const stream = stdioStream(input, output, { read() {}, answered() {} });
  const filling = "x".repeat(300_000);
  const message = (id: number, params: string) =>
    `{"jsonrpc":"2.0","id":${id},"method":"session/prompt","params":${params}}\n`;
  const deep = `["${filling}",${"[".repeat(100_000)}${"]".repeat(100_000)}]`;
  input.end(message(1, "{}") + message(2, `["${filling}"]`) + message(3, deep) + message(4, "{}"));
  const reader = stream.readable.getReader();
  for (const [id, params] of [
    [1, {}],
    [2, [filling]],
    [4, {}],
  ]) {
    expect((await reader.read()).value).toMatchObject({ id, params });
  }
  expect(JSON.parse(String(output.read()))).toMatchObject({ id: 3, error: { code: -32600 } });
});

it("leaves nobody waiting for a message that is too long", async () => {
  const input = new PassThrough();
  const output = new PassThrough();
  const stream = stdioStream(input, output, { read() {}, answered() {} });
  const reader = stream.readable.getReader();
  const long = Buffer.alloc(65 * 1024 * 1024, "x");
  const begin = async (text: string, first: Promise<unknown>) => {
    input.write(text);
    input.write(long);
    input.write('"}}\n');
    return first;
  };
  const answered = new Promise((resolve) => output.once("data", resolve));
  const next = reader.read();
  const asked = '{"jsonrpc":"2.0","method":"session/prompt","id":"p","params":{"text":"';
  expect(JSON.parse(String(await begin(asked, answered)))).toMatchObject({
    id: "p",
    error: { code: -32600, message: expect.stringContaining("67108864 bytes") },
  });
  // The text of a file that the agent has asked for.
  const given = await begin('{"jsonrpc": "2.0", "id": 7, "result": {"content": "', next);
  expect(given).toMatchObject({ value: { id: 7, error: { code: -32600 } } });
});
