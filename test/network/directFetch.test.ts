// What is sent straight to a provider, against servers on this machine that behave well and badly.

import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createSecure } from "node:https";
import { type AddressInfo, createServer as createPlain, type Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { directFetch } from "../../src/network/directFetch.js";
import { certificate } from "../helpers/certificates.js";

const forEver = { silenceMs: Number.POSITIVE_INFINITY };

interface Listening {
  listen(port: number, host: string, done: () => void): unknown;
  close(done: () => void): unknown;
  address(): unknown;
}

async function listen(server: Listening, end: () => void, scheme = "http"): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    end();
    await new Promise<void>((resolve) => server.close(resolve));
  });
  return new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  return listen(server, () => server.closeAllConnections());
}

/** A server that is no HTTP server: it gets each connection. */
function serveRaw(onConnection: (socket: Socket) => void): Promise<URL> {
  const sockets = new Set<Socket>();
  const server = createPlain((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  return listen(server, () => {
    for (const socket of sockets) socket.destroy();
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describe("a request", () => {
  it.each<[string, string | Uint8Array]>([
    ["text", "größer {}"],
    ["bytes", Buffer.from("größer {}")],
  ])("has its method, its headers and its body as %s", async (_, body) => {
    const url = await serve(async (request, response) => {
      const { method, headers, url: path } = request;
      response.end(JSON.stringify({ method, headers, path, body: await textOf(request) }));
    });
    const headers = { Authorization: "Bearer k", "Content-Type": "application/json" };
    const response = await directFetch(
      new URL("v1/chat?x=1", url),
      { method: "POST", headers, body },
      forEver,
    );
    expect(await response.json()).toEqual({
      method: "POST",
      path: "/v1/chat?x=1",
      body: "größer {}",
      headers: {
        accept: "*/*",
        "accept-encoding": "identity",
        authorization: "Bearer k",
        connection: "keep-alive",
        "content-length": "11",
        "content-type": "application/json",
        host: url.host,
        "user-agent": "node",
      },
    });
  });

  it("sends a long text whole, with its length in bytes", async () => {
    const url = await serve(async (request, response) => {
      response.end(JSON.stringify([request.headers["content-length"], await textOf(request)]));
    });
    for (const length of [65_535, 65_536, 500_000]) {
      const body = "ß".repeat(length);
      const response = await directFetch(url, { method: "POST", body }, forEver);
      expect(await response.json()).toEqual([String(2 * length), body]);
    }
  });

  it("keeps the headers that it was told, from a list of the platform's too", async () => {
    const url = await serve(({ headers }, response) => response.end(JSON.stringify(headers)));
    const headers = new Headers({ "user-agent": "mine", accept: "text/plain" });
    const response = await directFetch(url, { headers }, forEver);
    expect(await response.json()).toMatchObject({ "user-agent": "mine", accept: "text/plain" });
  });

  it("uses a connection again, and a new one where the server has closed it", async () => {
    let connections = 0;
    const server = createServer((_, response) => response.end("ok"));
    server.on("connection", () => connections++);
    const url = await listen(server, () => server.closeAllConnections());
    for (let times = 0; times < 3; times++) await (await directFetch(url, {}, forEver)).text();
    expect(connections).toBe(1);
    server.closeAllConnections();
    await expect.poll(() => directFetch(url, {}, forEver).then((one) => one.text())).toBe("ok");
    expect(connections).toBe(2);
  });

  it.each([
    ["a name", { "bad name": "x" }],
    ["a value", { authorization: "Bearer sécret\nx" }],
  ])("with %s that no header may have is refused without repeating it", async (_, headers) => {
    const url = await serve((_request, response) => response.end());
    const failure = await directFetch(url, { headers }, forEver).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).not.toContain("cret");
  });

  it("takes no user name from an address", async () => {
    const url = new URL("http://me:secret@127.0.0.1:9/");
    const failure = await directFetch(url, {}, forEver).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TypeError);
    expect(String(failure)).not.toContain("secret");
  });
});

describe("an answer", () => {
  it("has its status and its headers, and may be a redirect", async () => {
    const url = await serve((_, response) => {
      response.writeHead(302, "Over There", [
        ["location", "/there"],
        ["x-two", "1"],
        ["x-two", "2"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]);
      response.end("moved");
    });
    const response = await directFetch(url, {}, forEver);
    const { status, statusText, ok, headers } = response;
    expect({ status, statusText, ok }).toEqual({
      status: 302,
      statusText: "Over There",
      ok: false,
    });
    expect(headers.get("Location")).toBe("/there");
    expect(headers.get("x-two")).toBe("1, 2");
    expect(headers.get("set-cookie")).toBe("a=1, b=2");
    expect(headers.get("x-three")).toBeNull();
    expect(await response.text()).toBe("moved");
  });

  it.each([204, 304])("of status %i has no body", async (status) => {
    const url = await serve((_, response) => response.writeHead(status).end());
    expect((await directFetch(url, {}, forEver)).body).toBeNull();
  });

  it.each<[string, (text: string) => Buffer]>([
    ["gzip", gzipSync],
    ["GZIP", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["identity", (text) => Buffer.from(text)],
  ])("that is %s although nobody asked for that is unpacked", async (coding, pack) => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": coding }).end(pack("all of it ".repeat(1000)));
    });
    const response = await directFetch(url, {}, forEver);
    expect(await response.text()).toBe("all of it ".repeat(1000));
  });

  it("in a coding that nobody knows says which", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "zst-2" }).end("?");
    });
    await expect(directFetch(url, {}, forEver)).rejects.toThrow('content-encoding, "zst-2"');
  });

  it("that comes before the request was read is taken", async () => {
    const url = await serve((_, response) => {
      response.writeHead(413, { connection: "close" }).end("too large");
    });
    const body = "x".repeat(20_000_000);
    const response = await directFetch(url, { method: "POST", body }, forEver);
    expect([response.status, await response.text()]).toEqual([413, "too large"]);
  });

  it("behind others that only tell of it is the one that counts", async () => {
    const before = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    const url = await serveRaw((socket) => {
      socket.once("data", () => socket.end(`${before}HTTP/1.1 200 OK\r\n\r\nuntil the end`));
    });
    const response = await directFetch(url, {}, forEver);
    expect([response.status, await response.text()]).toEqual([200, "until the end"]);
  });

  it("that is read slowly is not taken into memory", async () => {
    let sent = 0;
    const url = await serve(async (_, response) => {
      const piece = Buffer.alloc(65_536);
      response.on("error", () => {});
      const more = () => {
        while (sent < 400 * piece.length && !response.destroyed) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const response = await directFetch(url, {}, forEver);
    const reader = response.body?.getReader();
    await reader?.read();
    // What the system's own buffers hold has been sent.
    let before = -1;
    const isAtRest = () => {
      const wasSent = before;
      before = sent;
      return sent === wasSent;
    };
    await expect.poll(isAtRest, { interval: 200 }).toBe(true);
    expect(sent).toBeLessThan(200 * 65_536);
    let read = 1;
    for (let one = await reader?.read(); one?.done === false; one = await reader?.read()) {
      read += one.value.length;
    }
    expect(read).toBeGreaterThan(200 * 65_536);
  });
});

describe("a failure", () => {
  it("to connect names its reason", async () => {
    const nobody = new URL("http://127.0.0.1:1/");
    await expect(directFetch(nobody, {}, forEver)).rejects.toMatchObject({
      name: "TypeError",
      message: "fetch failed",
      cause: { code: "ECONNREFUSED" },
    });
    await expect(directFetch(new URL("http://nobody.invalid/"), {}, forEver)).rejects.toMatchObject(
      { cause: { code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) } },
    );
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ["nothing", (socket) => socket.end(), "ECONNRESET"],
    ["half a head", (socket) => socket.end("HTTP/1.1 200 O"), "ECONNRESET"],
    ["no HTTP", (socket) => socket.end("220 mail.example ESMTP\r\n"), "HPE_INVALID_CONSTANT"],
  ])("before the answer (%s) is one too", async (_, answer, code) => {
    const url = await serveRaw((socket) => socket.once("data", () => answer(socket)));
    await expect(directFetch(url, {}, forEver)).rejects.toMatchObject({
      message: "fetch failed",
      cause: { code },
    });
  });

  it.each([
    ["by its length", "Content-Length: 100\r\n\r\nso far"],
    ["in pieces", "Transfer-Encoding: chunked\r\n\r\n6\r\nso far\r\n"],
    [
      "that is packed",
      `Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n${gzipSync("so far").toString("latin1").slice(0, 20)}`,
    ],
  ])("within an answer %s ends its body", async (_, head) => {
    const url = await serveRaw((socket) => {
      socket.once("data", () => socket.end(Buffer.from(`HTTP/1.1 200 OK\r\n${head}`, "latin1")));
    });
    const response = await directFetch(url, {}, forEver);
    await expect(response.text()).rejects.toMatchObject({ message: "terminated", cause: {} });
  });

  it("within an answer loses nothing that came before it, also where it is read later", async () => {
    const gone = new Deferred<void>();
    const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const url = await serveRaw((socket) => {
      socket.once("close", () => gone.resolve());
      socket.once("data", () => socket.write(`${head}6\r\nso far\r\n`, () => socket.destroy()));
    });
    const response = await directFetch(url, {}, forEver);
    await gone.promise;
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("so far");
    await expect(reader?.read()).rejects.toMatchObject({ cause: { code: "ECONNRESET" } });
  });

  it("of a certificate names it", async () => {
    const server = createSecure(certificate, (_, response) => response.end());
    const url = await listen(server, () => server.closeAllConnections(), "https");
    await expect(directFetch(url, {}, forEver)).rejects.toMatchObject({
      cause: { code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) },
    });
  });
});

describe("an abort", () => {
  const reason = new Error("not wanted any more");

  it("ends a request before it begins, before its answer, and within it", async () => {
    const reached = new Deferred<void>();
    let closed = 0;
    const url = await serve((request, response) => {
      request.socket.once("close", () => closed++);
      if (request.url === "/body") response.write("so far");
      reached.resolve();
    });
    await expect(directFetch(url, { signal: AbortSignal.abort(reason) }, forEver)).rejects.toBe(
      reason,
    );
    const early = new AbortController();
    const answer = directFetch(url, { signal: early.signal }, forEver);
    await reached.promise;
    early.abort(reason);
    await expect(answer).rejects.toBe(reason);
    const late = new AbortController();
    const response = await directFetch(new URL("body", url), { signal: late.signal }, forEver);
    const reader = response.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("so far");
    const next = reader?.read();
    late.abort(reason);
    await expect(next).rejects.toBe(reason);
    await expect.poll(() => closed).toBe(2);
  });

  it("after the end does nothing, and nothing listens for it", async () => {
    const url = await serve((_, response) => response.end("whole"));
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof add>) => {
      listeners++;
      add(...given);
    };
    signal.removeEventListener = (...given: Parameters<typeof remove>) => {
      listeners--;
      remove(...given);
    };
    const response = await directFetch(url, { signal }, forEver);
    expect(listeners).toBe(1);
    expect(await response.text()).toBe("whole");
    await expect.poll(() => listeners).toBe(0);
  });

  it("of the reader closes the connection", async () => {
    let closed = 0;
    const url = await serve((request, response) => {
      request.socket.once("close", () => closed++);
      response.write("so far");
    });
    const response = await directFetch(url, {}, forEver);
    await response.body?.cancel();
    await expect.poll(() => closed).toBe(1);
  });
});

describe("silence", () => {
  it("ends a request, before its answer and within it", async () => {
    const url = await serve(({ url: path }, response) => {
      if (path === "/body") response.write("so far");
    });
    const brief = { silenceMs: 200 };
    await expect(directFetch(url, {}, brief)).rejects.toMatchObject({
      cause: { code: "UND_ERR_HEADERS_TIMEOUT" },
    });
    const response = await directFetch(new URL("body", url), {}, brief);
    await expect(response.text()).rejects.toMatchObject({
      message: "terminated",
      cause: { code: "UND_ERR_BODY_TIMEOUT" },
    });
  });

  it("for ever is waited for longer than an idle connection is kept", async () => {
    const url = await serve(({ url: path }, response) => {
      if (path !== "/late") return void response.end("ok");
      setTimeout(() => response.end("late"), 4600);
    });
    await (await directFetch(url, {}, forEver)).text();
    const response = await directFetch(new URL("late", url), {}, forEver);
    expect(await response.text()).toBe("late");
  });

  it("where a connection should be made is told as such", async () => {
    // It takes connections, and says nothing to begin what keeps them secret.
    const url = await serveRaw(() => {});
    const secure = new URL(`https://127.0.0.1:${url.port}/`);
    await expect(directFetch(secure, {}, { ...forEver, connectMs: 200 })).rejects.toMatchObject({
      cause: { code: "UND_ERR_CONNECT_TIMEOUT" },
    });
  });
});
