// protocol.md section 1: framings, their detection, bad input, sizes, ids, batches, `$/` messages.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Framing, frame } from "../helpers/frameReader.js";
import { endServers, type ServerProcess, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const framings = ["header", "ndjson"] as const;
const ping = (id: unknown) => JSON.stringify({ jsonrpc: "2.0", id, method: "ping" });
const pong = (id: unknown) => ({ jsonrpc: "2.0", id, result: {} });
const parseError = { jsonrpc: "2.0", id: null, error: { code: -32700 } };
const invalidRequest = { jsonrpc: "2.0", id: null, error: { code: -32600 } };

/** Sends bytes and a ping behind them; gives what came before the pong, parsed. */
async function answersTo(server: ServerProcess, bytes: string | Buffer): Promise<unknown[]> {
  const before = server.texts.length;
  const id = `behind-${before}`;
  server.sendRaw(bytes);
  server.send(server.request("ping", undefined, id));
  await server.answer(id);
  return server.texts.slice(before, -1).map((text) => JSON.parse(text));
}

describe("detection", () => {
  it.each([
    ["an object", "ndjson", ping(1)],
    ["a batch", "ndjson", `[${ping(1)}]`],
    ["a header", "header", ping(1)],
  ] as [string, Framing, string][])("the first byte of %s decides", async (_, framing, text) => {
    const server = startServer({ framing });
    server.send(text);
    expect(await server.answer(1)).toEqual(pong(1));
  });

  it("takes everything else for a header, bad ones too", async () => {
    const server = startServer({ framing: "header" });
    expect(await answersTo(server, "hello\r\n\r\n")).toMatchObject([parseError]);
  });

  it("can be told", async () => {
    const [header, ndjson] = framings.map((framing) =>
      startServer({ framing, args: ["--framing", framing] }),
    );
    expect(await answersTo(header as ServerProcess, "")).toEqual([]);
    expect(await answersTo(ndjson as ServerProcess, "")).toEqual([]);
    expect(await answersTo(ndjson as ServerProcess, "Content-Length: 2\n")).toMatchObject([
      parseError,
    ]);
  });

  it("comes before the server's first byte, also where a completion waits", async () => {
    const server = startServer({ dataDir: await leaveCompletion() });
    const text = server.request("initialize", { clientId: "ada" }, "first");
    server.sendRaw(text.slice(0, 10));
    server.sendRaw(`${text.slice(10)}\n`);
    await server.event("runComplete");
    expect(server.frames.map(({ id, method }) => id ?? method)).toEqual(["first", "runComplete"]);
  });
});

/** A data directory that holds a completion which somebody has to be told of. */
async function leaveCompletion(): Promise<string> {
  const server = startServer();
  await server.call("initialize", { clientId: "ada" });
  const session = await openSession(server);
  await session.run("@say hi", "r-1");
  await server.close();
  return server.dataDir;
}

describe.each(framings)("framed as %s", (framing) => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = startServer({ framing, args: ["--max-message-bytes", "4096"] });
    await server.settle();
  });

  it("messages arrive whole, however the bytes are cut", async () => {
    const bytes = Buffer.from(frame(framing, ping("é😀")) + frame(framing, ping(2.5)));
    for (const byte of bytes) {
      server.sendRaw(Buffer.of(byte));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(await server.answer("é😀")).toEqual(pong("é😀"));
    expect(await server.answer(2.5)).toEqual(pong(2.5));
  });

  it("many messages in one write are answered each, in order", async () => {
    const ids = Array.from({ length: 500 }, (_, index) => `many-${index}`);
    const answers = await answersTo(server, ids.map((id) => frame(framing, ping(id))).join(""));
    expect(answers).toEqual(ids.map(pong));
  });

  it.each([0, -1, 7, 1.5, 1e300, "", "7", 'a"\\\u0000é\u2028😀', null])(
    "the id %j comes back as it was sent",
    async (id) => {
      expect(await answersTo(server, frame(framing, ping(id)))).toEqual([pong(id)]);
    },
  );

  it("an id that JavaScript cannot hold comes back digit by digit", async () => {
    const text = '{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}';
    const before = server.texts.length;
    await answersTo(server, frame(framing, text));
    expect(server.texts[before]).toBe('{"jsonrpc":"2.0","id":9007199254740993,"result":{}}');
  });

  it.each([true, {}, [1]])("an id of the wrong type (%j) is a bad request", async (id) => {
    expect(await answersTo(server, frame(framing, ping(id)))).toMatchObject([invalidRequest]);
  });

  it("one id used twice at once is answered twice", async () => {
    const twice = frame(framing, ping("twice")) + frame(framing, ping("twice"));
    expect(await answersTo(server, twice)).toEqual([pong("twice"), pong("twice")]);
  });

  it.each([
    ["text that is not JSON", "nonsense", parseError],
    ["half of a message", '{"jsonrpc":"2.0","id":1,', parseError],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), parseError],
    ["a number", "1", invalidRequest],
    ["a text", '"ping"', invalidRequest],
    ["null", "null", invalidRequest],
    ["an object without a method", '{"jsonrpc":"2.0"}', invalidRequest],
    ["the version 1.0", '{"jsonrpc":"1.0","method":"ping","id":null}', invalidRequest],
    ["no version", '{"method":"ping","id":null}', invalidRequest],
    [
      "params that are a text",
      '{"jsonrpc":"2.0","method":"ping","id":null,"params":"x"}',
      invalidRequest,
    ],
  ])("%s gets its error, and the connection goes on", async (_, content, expected) => {
    const body = Buffer.from(content);
    const head = framing === "header" ? `Content-Length: ${body.length}\r\n\r\n` : "";
    const bytes = Buffer.concat([Buffer.from(head), body, Buffer.from(head === "" ? "\n" : "")]);
    expect(await answersTo(server, bytes)).toMatchObject([expected]);
  });

  it("a bad request tells its id where it has one", async () => {
    const bytes = frame(framing, '{"jsonrpc":"2.0","id":"mine"}');
    expect(await answersTo(server, bytes)).toMatchObject([{ ...invalidRequest, id: "mine" }]);
  });

  const tooLarge = {
    code: -32600,
    message: expect.any(String),
    data: expect.objectContaining({ name: "MessageTooLarge", retryable: false }),
  };

  it.each<[string, object, unknown]>([
    [
      "a request by its id",
      { id: "mine", method: "ping", params: { x: "x".repeat(5000) } },
      "mine",
    ],
    ["a request whose id comes last", { method: "ping", params: ["x".repeat(5000)], id: 7e6 }, 7e6],
    [
      "one with an id in its params alone",
      { method: "n", params: { id: 5, x: "x".repeat(5000) } },
      null,
    ],
    ["a response", { id: 1, result: { method: "m", x: "x".repeat(5000) } }, null],
  ])("a message over the limit is skipped and answered: %s", async (_what, message, id) => {
    const large = JSON.stringify({ jsonrpc: "2.0", ...message });
    expect(await answersTo(server, frame(framing, large))).toEqual([
      { jsonrpc: "2.0", id, error: tooLarge },
    ]);
  });

  it("a message just as long as the limit is taken", async () => {
    const head = '{"jsonrpc":"2.0","id":"full","method":"ping","params":{"x":"';
    const text = `${head}${"x".repeat(4096 - head.length - 3)}"}}`;
    expect(Buffer.byteLength(text)).toBe(4096);
    expect(await answersTo(server, frame(framing, text))).toEqual([pong("full")]);
  });

  it("answers to requests that nobody made are nothing", async () => {
    const stray = '{"jsonrpc":"2.0","id":4711,"result":{}}';
    const error = '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}';
    expect(await answersTo(server, frame(framing, stray) + frame(framing, error))).toEqual([]);
  });

  it("notifications are never answered, unknown and known, good and bad", async () => {
    const notify = (method: string, params?: unknown) =>
      frame(framing, JSON.stringify({ jsonrpc: "2.0", method, params }));
    const bytes = [
      notify("ping"),
      notify("foobar", [1]),
      notify("acknowledge", { completionIds: ["no"] }),
      notify("acknowledge", { completionIds: 7 }),
      notify("createWorkspace", { path: "/" }),
      notify("$/whatever", { x: 1 }),
      notify("$/setTrace", { value: "verbose" }),
      notify("$/cancelRequest", { id: 987_654 }),
      notify("$/cancelRequest"),
    ].join("");
    expect(await answersTo(server, bytes)).toEqual([]);
    expect((await server.call("listWorkspaces", {})).workspaces).toEqual([]);
  });

  it("an unknown request in `$/` is a method that does not exist", async () => {
    expect(await server.fail("$/whatever")).toMatchObject({ code: -32601 });
  });
});

describe("framed as ndjson", () => {
  it("blank lines are nothing, and lines may end with a carriage return", async () => {
    const server = startServer();
    await server.settle();
    expect(await answersTo(server, `\n\r\n  \n${ping("cr")}\r\n`)).toEqual([pong("cr")]);
  });
});

it("the last line of ndjson may lack its end", async () => {
  const server = startServer();
  server.sendRaw(ping("last"));
  expect(await server.close()).toEqual({ code: 0, signal: null });
  expect(server.frames).toEqual([pong("last")]);
});

it.each(framings)("a message that is cut off by the end is a bad one (%s)", async (framing) => {
  const server = startServer({ framing });
  const whole = frame(framing, ping("cut"));
  server.sendRaw(frame(framing, ping("whole")) + whole.slice(0, -5));
  expect(await server.close()).toEqual({ code: 0, signal: null });
  expect(server.frames).toHaveLength(2);
  expect(server.frames).toContainEqual(pong("whole"));
  expect(server.frames.find(({ id }) => id === null)).toMatchObject(parseError);
});

describe("framed as header", () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = startServer({ framing: "header" });
    await server.settle();
  });

  it.each([
    ["in lower case", "content-length"],
    ["in upper case", "CONTENT-LENGTH"],
  ])("the header may be written %s", async (_, name) => {
    const text = ping(name);
    const bytes = `${name}: ${text.length}\r\n\r\n${text}`;
    expect(await answersTo(server, bytes)).toEqual([pong(name)]);
  });

  it("other headers are ignored, before and behind", async () => {
    const text = ping("others");
    const bytes = `Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: ${text.length}\r\nX-Other: 1\r\n\r\n${text}`;
    expect(await answersTo(server, bytes)).toEqual([pong("others")]);
  });

  it.each([
    ["without a length", "Content-Type: text/plain\r\n\r\n"],
    ["with a length that is no number", "Content-Length: many\r\n\r\n"],
    ["with a negative length", "Content-Length: -5\r\n\r\n"],
  ])("a block %s is a bad message, and what follows is read on", async (_, block) => {
    expect(await answersTo(server, block)).toMatchObject([parseError]);
  });
});
