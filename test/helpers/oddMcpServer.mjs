// A tool server by hand, for what well-kept servers never do. The first argument says what is odd about
// it; it answers over stdio, or with `--http` on a free port of 127.0.0.1, which it then prints.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const oddity = process.argv[2];
const isNew = oddity.startsWith("new");
const newVersion = "2026-07-28";
const cacheable = { ttlMs: 0, cacheScope: "private" };

const tools = [
  { name: "echo", inputSchema: { type: "object" } },
  { name: "fine", title: "Fine", inputSchema: { type: "object" } },
];
if (oddity.endsWith("BadTools")) {
  tools.push({ name: "bad", inputSchema: "none" }, { inputSchema: { type: "object" } }, null);
}

/** What `echo` gives back in place of a result, by name. */
const results = {
  nothing: null,
  text: "a text",
  nullContent: { content: null },
  textContent: { content: "a text" },
  newKind: {
    content: [
      { type: "hologram", data: "x" },
      { type: "text", text: "seen" },
    ],
  },
  structured: { content: null, structuredContent: { answer: 42 } },
};

const handlers = {
  initialize: ({ protocolVersion }) => {
    if (isNew) throw unsupported();
    return {
      protocolVersion: oddity === "otherVersion" ? "1999-01-01" : protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: "odd", version: "1" },
    };
  },
  "server/discover": () => {
    if (oddity === "newOther") throw unsupported(["2099-01-01"]);
    return {
      supportedVersions: [newVersion],
      capabilities: { tools: {} },
      ...cacheable,
      ...complete(),
    };
  },
  "tools/list": () => ({ tools, ...cacheable, ...complete() }),
  "tools/call": ({ arguments: { what } }) => {
    const result = results[what];
    return typeof result === "object" && result !== null ? { ...result, ...complete() } : result;
  },
  ping: () => ({}),
};

function complete() {
  return isNew ? { resultType: "complete" } : {};
}

function unsupported(supported = [newVersion]) {
  return Object.assign(new Error("Unsupported protocol version"), {
    code: -32022,
    data: { supported, requested: "?" },
  });
}

let isGreeted = false;

/** The answer to a message, undefined where it gets none. */
function answerTo({ id, method, params = {} }) {
  if (id === undefined) return undefined;
  if (method === "initialize") isGreeted = true;
  if (!isGreeted && !isNew) {
    if (oddity === "silent") return undefined;
    if (oddity === "quits") process.exit(3);
  }
  const handler = isNew || method !== "server/discover" ? handlers[method] : undefined;
  if (handler === undefined) {
    return { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } };
  }
  try {
    return { jsonrpc: "2.0", id, result: handler(params) };
  } catch ({ code, message, data }) {
    return { jsonrpc: "2.0", id, error: { code, message, data } };
  }
}

function serveHttp() {
  const http = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method !== "POST") return response.writeHead(405).end();
    const message = JSON.parse(Buffer.concat(chunks));
    if (!isGreeted && message.method !== "initialize") {
      if (oddity === "breaks") return response.writeHead(500).end("boom");
      if (oddity === "page") {
        return response.writeHead(200, { "content-type": "text/html" }).end("<h1>Welcome</h1>");
      }
    }
    const answer = answerTo(message);
    if (answer === undefined) return response.writeHead(202).end();
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  http.listen(0, "127.0.0.1", () => process.stdout.write(`${http.address().port}\n`));
}

function serveStdio() {
  createInterface(process.stdin).on("line", (line) => {
    const answer = answerTo(JSON.parse(line));
    if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
}

const startMs = oddity === "newSlow" ? 3_000 : 0;
if (process.argv.includes("--http")) serveHttp();
else setTimeout(serveStdio, startMs);
