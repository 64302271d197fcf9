// Who can reach the page: nobody but whoever has the link, from the page itself.
import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EntryLog } from "../../src/inspector/entryLog.js";
import { entryOf } from "../../src/inspector/entryOf.js";
import { PageServer } from "../../src/inspector/pageServer.js";

const token = "t".repeat(32);
const acts: unknown[] = [];
const log = new EntryLog();
let server: PageServer;
let own: string;
beforeAll(async () => {
  log.add({ kind: "stderr", at: 1, text: "an entry" });
  server = await PageServer.listen({
    port: 0,
    token,
    files: { script: "// the script", style: "/* the style */" },
    log,
    greeting: { mode: "file" },
    act(asked) {
      acts.push(asked);
      return Promise.resolve({ done: true });
    },
  });
  own = `127.0.0.1:${server.port}`;
});
afterAll(() => server.close());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Asks as a program that may say of itself whatever it likes. */
async function ask({ method = "GET", path = "/", headers = {}, body }: Asked) {
  const asked = request({
    host: "127.0.0.1",
    port: server.port,
    method,
    path,
    headers: { host: own, ...headers },
  });
  asked.end(method === "POST" ? body : undefined);
  const [response] = await once(asked, "response");
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    text += chunk;
    // Entries never end.
    if (text.includes("an entry")) break;
  }
  return { status: response.statusCode as number, headers: response.headers, text };
}

const bearer = { authorization: `Bearer ${token}` };
const json = { ...bearer, "content-type": "application/json" };

describe("the page", () => {
  it.each(["/", "/page.js", "/page.css"])("has %s, and says what it may load", async (path) => {
    const { status, headers } = await ask({ path });
    expect(status).toBe(200);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["cache-control"]).toBe("no-store");
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });

  it("loads nothing from elsewhere, and holds no token", async () => {
    const { text } = await ask({});
    expect(text).not.toContain(token);
    expect(text.match(/(?:src|href)="([^"]*)"/g)).toEqual([
      'href="data:,"',
      'href="/page.css"',
      'src="/page.js"',
    ]);
    expect(new URL(server.link).hash).toBe(`#${token}`);
  });

  it("gets the entries with the token", async () => {
    const { status, text } = await ask({ path: "/entries", headers: bearer });
    expect(status).toBe(200);
    expect(text).toBe('{"mode":"file"}\n{"kind":"stderr","at":1,"text":"an entry"}\n');
  });

  it("is asked to act with the token, in JSON", async () => {
    const asked = { method: "POST", path: "/act", headers: json, body: '{"what":"x"}' };
    expect(await ask(asked)).toMatchObject({ status: 200, text: '{"done":true}' });
    expect(acts).toEqual([{ what: "x" }]);
  });
});

describe("a page of another site", () => {
  const paths = ["/", "/page.js", "/entries", "/act"];
  it.each([
    ["under a name that it has bound to this address", { host: "evil.example" }],
    ["under such a name with our port", { host: "evil.example:PORT" }],
    ["as localhost", { host: "localhost:PORT" }],
    ["under another port's name", { host: "127.0.0.1:1" }],
    ["with a host after another", { host: "127.0.0.1:PORT, evil.example" }],
    ["under our address with a dot behind it", { host: "127.0.0.1.:PORT" }],
    ["under our address in another form", { host: "2130706433:PORT" }],
    ["under our address in IPv6", { host: "[::1]:PORT" }],
    ["under our address as IPv6 has it", { host: "[::ffff:127.0.0.1]:PORT" }],
    ["with a name before the host", { host: "evil@127.0.0.1:PORT" }],
    ["without the port", { host: "127.0.0.1" }],
    ["from an empty origin", { origin: "" }],
    ["from our origin with a path", { origin: "http://127.0.0.1:PORT/" }],
    ["from our origin with a dot behind it", { origin: "http://127.0.0.1.:PORT" }],
    ["from our origin in capitals", { origin: "HTTP://127.0.0.1:PORT" }],
    ["from several origins", { origin: "http://127.0.0.1:PORT https://evil.example" }],
    ["from its own origin", { origin: "https://evil.example" }],
    ["from an origin that is nobody's", { origin: "null" }],
    ["from another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["from our host by another scheme", { origin: "https://127.0.0.1:PORT" }],
    ["as a link or a picture", { "sec-fetch-site": "cross-site" }],
    ["from another port, without an origin", { "sec-fetch-site": "same-site" }],
  ])("gets nothing %s, not even with the token", async (_how, headers) => {
    const sent = Object.fromEntries(
      Object.entries({ ...json, ...headers }).map(([name, value]) => [
        name,
        value.replace("PORT", String(server.port)),
      ]),
    );
    for (const path of paths) {
      const method = path === "/act" ? "POST" : "GET";
      const answer = await ask({ method, path, headers: sent, body: "{}" });
      expect(answer.status).toBe(403);
      expect(answer.text).not.toContain("an entry");
    }
  });

  it("is not allowed anything by a preflight", async () => {
    const asked = {
      method: "OPTIONS",
      path: "/entries",
      headers: { origin: "https://evil.example" },
    };
    const { status, headers } = await ask(asked);
    expect(status).toBe(403);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("opens no socket", async () => {
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    };
    expect((await ask({ headers: { ...upgrade, origin: "https://evil.example" } })).status).toBe(
      403,
    );
    expect((await ask({ path: "/entries", headers: upgrade })).status).toBe(401);
  });
});

describe("somebody without the token", () => {
  it.each([
    ["none", {}],
    ["an empty one", { authorization: "Bearer " }],
    ["a wrong one", { authorization: `Bearer ${"x".repeat(32)}` }],
    ["its beginning", { authorization: `Bearer ${token.slice(1)}` }],
    ["one more character", { authorization: `Bearer ${token}t` }],
    ["another scheme", { authorization: `Basic ${token}` }],
    ["a cookie", { cookie: `token=${token}` }],
  ])("gets no entry with %s", async (_which, headers) => {
    for (const path of ["/entries", "/act"]) {
      const method = path === "/act" ? "POST" : "GET";
      const { status, text } = await ask({ method, path, headers, body: "{}" });
      expect(status).toBe(401);
      expect(text).not.toContain("an entry");
    }
    expect((await ask({ path: `/entries?token=${token}` })).status).toBe(404);
  });

  it.each([
    "/../package.json",
    "/..%2f..%2fpackage.json",
    "/page.js/../../package.json",
    "//etc/passwd",
    "/%2e%2e/package.json",
    "/page.js%00",
    "/PAGE.JS",
    "http://127.0.0.1/",
  ])("finds no file at %s", async (path) => {
    expect((await ask({ path, headers: bearer })).status).toBe(404);
  });

  it.each(["POST", "PUT", "DELETE", "HEAD"])("cannot %s", async (method) => {
    expect((await ask({ method })).status).toBe(405);
  });
});

it("takes no more than it needs", async () => {
  const long = `"${"x".repeat(100_000)}"`;
  const asked = { method: "POST", path: "/act", headers: json };
  expect((await ask({ ...asked, body: long })).status).toBe(400);
  expect((await ask({ ...asked, body: "{" })).status).toBe(400);
  const form = { ...json, "content-type": "text/plain" };
  expect((await ask({ ...asked, headers: form, body: "{}" })).status).toBe(400);
  expect(acts).toHaveLength(1);
});

it("lives on when somebody sends no HTTP", async () => {
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write("\0\0\0\0nothing\r\n\r\n");
  socket.resume();
  await once(socket, "close");
  expect((await ask({})).status).toBe(200);
});

it("keeps nobody out because others say nothing", async () => {
  const silent = Array.from({ length: 32 }, () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\n");
    socket.resume();
    return new Promise<void>((resolve) => socket.once("close", () => resolve()));
  });
  await Promise.all(silent);
  expect((await ask({})).status).toBe(200);
});

it("lets no entry push all others out", () => {
  const log = new EntryLog({ entries: 100, characters: 40_000 });
  log.add({ kind: "stderr", at: 1, text: "an entry" });
  const message = { jsonrpc: "2.0", id: 7, method: "edit", params: { text: "x".repeat(100_000) } };
  log.add({ kind: "message", at: 2, from: "client", bytes: 100_056, message });
  const odd = { jsonrpc: "2.0", method: "x".repeat(100_000) };
  log.add({ kind: "message", at: 3, from: "server", bytes: 100_040, message: odd });
  log.add({ kind: "stderr", at: 4, text: "x".repeat(100_000) });
  const lines = [0, 1, 2, 3].map((number) => JSON.parse(log.at(number)?.line ?? "{}") as unknown);
  expect(lines).toEqual([
    { kind: "stderr", at: 1, text: "an entry" },
    {
      kind: "message",
      at: 2,
      from: "client",
      bytes: 100_056,
      message: { ...message, params: "[too long to be kept here: 100011 characters]" },
    },
    { kind: "gap", at: 3, from: "server", bytes: 100_040 },
    { kind: "gap", at: 4, from: "server", bytes: 100_027 },
  ]);
});

it("tells a reader how many entries it was too slow for, and where", () => {
  const kept = new EntryLog({ entries: 3, characters: 40_000 });
  const add = (at: number) => kept.add({ kind: "stderr", at, text: `entry ${at}` });
  for (const at of [1, 2]) add(at);
  const first = kept.after(0, 0, 10);
  for (const at of [3, 4, 5, 6, 7]) add(at);
  const read = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => entryOf(JSON.parse(line)));
  expect(read(kept.after(first.next, first.version, 10).text)).toEqual([
    { kind: "missed", at: 5, count: 2 },
    ...[5, 6, 7].map((at) => ({ kind: "stderr", at, text: `entry ${at}` })),
  ]);
});

it("keeps the newest entries alone, and says how many it has let go", async () => {
  const many = new EntryLog();
  for (let index = 0; index < 100_010; index++) many.add({ kind: "stderr", at: index, text: "x" });
  expect(many.at(0)).toMatchObject({ number: 10 });
  expect(many.at(100_009)?.line).toContain('"at":100009');
  expect(many.at(100_010)).toBeUndefined();
  const large = new EntryLog();
  for (let index = 0; index < 10; index++) {
    large.add({ kind: "stderr", at: index, text: "x".repeat(10 * 1024 * 1024) });
  }
  expect(large.at(0)?.number).toBe(4);
});
