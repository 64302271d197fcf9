/**
 * What vscode-jsonrpc does by itself, measured: each of these is a reason for something in
 * `src/transport` or a rule for who uses the connection. A test that fails here after an upgrade
 * says that a reason has gone or changed.
 */
import { createRequire } from "node:module";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  AbstractMessageReader,
  CancellationToken,
  CancellationTokenSource,
  createMessageConnection,
  type DataCallback,
  ErrorCodes,
  type Message,
  StreamMessageReader,
} from "vscode-jsonrpc/node";
import { Deferred } from "../../src/base/deferred.js";

/** The library's connection over its own reader and writer. */
function libraryPeer() {
  const input = new PassThrough();
  const output = new PassThrough();
  const errors: string[] = [];
  const connection = createMessageConnection(input, output, {
    error: (message) => errors.push(message),
    warn: () => {},
    info: () => {},
    log: () => {},
  });
  connection.onError(() => {});
  const received: string[] = [];
  let wake: (() => void) | undefined;
  output.on("data", (chunk) => {
    received.push(String(chunk));
    wake?.();
  });
  return {
    connection,
    input,
    errors,
    received,
    send(message: unknown) {
      const text = typeof message === "string" ? message : JSON.stringify(message);
      input.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    },
    async until(part: string) {
      while (!received.join("").includes(part)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return received.join("");
    },
  };
}

/** A reader whose messages are delivered by hand. */
class ManualReader extends AbstractMessageReader {
  deliver: DataCallback = () => {};
  listen(callback: DataCallback) {
    this.deliver = callback;
    return { dispose: () => {} };
  }
}

const ping = { jsonrpc: "2.0", id: "ping", method: "ping" };

describe("a handler", () => {
  it("that throws puts its text on the wire", async () => {
    const peer = libraryPeer();
    peer.connection.onRequest(() => {
      throw new Error("secret of the server");
    });
    peer.connection.listen();
    peer.send(ping);
    expect(await peer.until('"ping"')).toContain("secret of the server");
    peer.connection.dispose();
  });

  it("gets params that nobody has validated", async () => {
    const peer = libraryPeer();
    const seen: unknown[] = [];
    peer.connection.onRequest((_method, params) => void seen.push(params));
    peer.connection.listen();
    peer.send({ ...ping, params: "neither an object nor an array" });
    await peer.until('"ping"');
    expect(seen).toEqual(["neither an object nor an array"]);
    peer.connection.dispose();
  });

  it("registered second replaces the first silently", async () => {
    const peer = libraryPeer();
    peer.connection.onRequest("ping", () => "first");
    peer.connection.onRequest("ping", () => "second");
    peer.connection.listen();
    peer.send(ping);
    expect(await peer.until('"ping"')).toContain("second");
    expect(peer.errors).toEqual([]);
    peer.connection.dispose();
  });

  it("runs while others run", async () => {
    const peer = libraryPeer();
    const gate = new Deferred<string>();
    peer.connection.onRequest((method) => (method === "ping" ? "pong" : gate.promise));
    peer.connection.listen();
    peer.send({ ...ping, id: 1, method: "slow" });
    peer.send(ping);
    expect(await peer.until("pong")).not.toContain("slow");
    gate.resolve("slow");
    await peer.until("slow");
    peer.connection.dispose();
  });

  it("is not cancelled by dispose", async () => {
    const peer = libraryPeer();
    const running = new Deferred<CancellationToken>();
    peer.connection.onRequest((_method, _params, token) => {
      running.resolve(token);
      return new Promise(() => {});
    });
    peer.connection.listen();
    peer.send(ping);
    const token = await running.promise;
    peer.connection.dispose();
    expect(token.isCancellationRequested).toBe(false);
  });
});

describe("a bad message gets no answer:", () => {
  it.each([
    ["unparsable input", "{nothing"],
    ["a request object without jsonrpc and method", '{"id":1}'],
    ["a method that is no string", '{"jsonrpc":"2.0","id":1,"method":1}'],
    ["a batch", `[${JSON.stringify({ ...ping, id: 1 })}]`],
    ["an empty batch", "[]"],
    ["a request with id null", JSON.stringify({ ...ping, id: null })],
  ])("%s", async (_, text) => {
    const peer = libraryPeer();
    peer.connection.onRequest(() => "pong");
    peer.connection.listen();
    peer.send(text);
    peer.send(ping);
    expect((await peer.until('"ping"')).match(/jsonrpc/g)).toHaveLength(1);
    peer.connection.dispose();
  });
});

describe("the reader", () => {
  it("holds what comes of a body announced with 5 GB", () => {
    const input = new PassThrough();
    const reader = new StreamMessageReader(input);
    reader.partialMessageTimeout = 0;
    reader.listen(() => {});
    const heldBytes = () => Number(Reflect.get(Reflect.get(reader, "buffer"), "numberOfBytes"));
    input.write("Content-Length: 5368709120\r\n\r\n");
    for (let sent = 0; sent < 10; sent++) input.write(Buffer.alloc(1024));
    input.read();
    expect(heldBytes()).toBe(10 * 1024);
    reader.dispose();
  });

  it("stops at a header block without a usable length", async () => {
    const peer = libraryPeer();
    peer.connection.onRequest(() => "pong");
    peer.connection.listen();
    peer.input.write("Content-Length: many\r\n\r\n{}");
    peer.send(ping);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.received).toEqual([]);
    peer.connection.dispose();
  });
});

describe("our own messages", () => {
  it("that are requests stay pending when the stream closes, until dispose", async () => {
    const peer = libraryPeer();
    peer.connection.listen();
    const outcome = peer.connection.sendRequest("ask").then(
      () => "answered",
      (error: Error) => error.message,
    );
    await peer.until("ask");
    const closed = new Promise<void>((resolve) => peer.connection.onClose(resolve));
    peer.input.destroy();
    await closed;
    expect(peer.connection.hasPendingResponse()).toBe(true);
    peer.connection.dispose();
    expect(await outcome).toContain("disposed");
  });

  it("pile up in memory when the other side does not read and nobody awaits them", async () => {
    const taken: string[] = [];
    let release: (() => void) | undefined;
    const output = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        taken.push(String(chunk));
        if (release === undefined) release = done;
        else done();
      },
    });
    const connection = createMessageConnection(new PassThrough(), output);
    const sent = Array.from({ length: 1_000 }, () => connection.sendNotification("n", {}));
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken.length).toBeLessThan(3);
    release?.();
    await Promise.all(sent);
    expect(taken.join("").match(/"n"/g)).toHaveLength(1_000);
    connection.dispose();
  });

  it("carry [null] where params were given as undefined", async () => {
    const peer = libraryPeer();
    peer.connection.listen();
    await peer.connection.sendNotification("n", undefined);
    expect(await peer.until('"n"')).toContain('"params":[null]');
    peer.connection.dispose();
  });
});

describe("a cancel", () => {
  it("without params throws in whoever delivers it", () => {
    const reader = new ManualReader();
    const writer = { write: async () => {}, end() {}, dispose() {}, onError: none, onClose: none };
    const connection = createMessageConnection(reader, writer);
    connection.listen();
    const cancel: Message & { method: string } = { jsonrpc: "2.0", method: "$/cancelRequest" };
    expect(() => reader.deliver(cancel)).toThrow(TypeError);
    connection.dispose();
  });

  it("throws the second time, when the first came before the token was looked at", () => {
    const source = new CancellationTokenSource();
    source.cancel();
    expect(source.token).toBe(CancellationToken.Cancelled);
    expect(() => source.cancel()).toThrow(TypeError);
  });
});

const none = () => ({ dispose() {} });

it("its own error codes are those that JSON-RPC reserves for servers", () => {
  expect(ErrorCodes).toMatchObject({
    MessageWriteError: -32099,
    MessageReadError: -32098,
    PendingResponseRejected: -32097,
    ConnectionInactive: -32096,
    ServerNotInitialized: -32002,
    UnknownErrorCode: -32001,
  });
});

it("is imported as vscode-jsonrpc/node, without an extension", () => {
  const { resolve } = createRequire(import.meta.url);
  expect(resolve("vscode-jsonrpc/node")).toMatch(/main\.js$/);
  expect(() => resolve("vscode-jsonrpc/node.js")).toThrow("not defined by");
});
