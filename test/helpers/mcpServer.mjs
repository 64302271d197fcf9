// A tool server for tests, over stdio or (with `--http`) over HTTP on a free port of 127.0.0.1, which
// it then prints. With `--old` it speaks the protocol's old era alone, with `--new` the one since
// 2026-07-28, else both. With `--hang` it answers nothing at all; with `--noise` it writes what is no
// message.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import {
  createMcpHandler,
  inputRequired,
  Server,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";

const text = (value) => ({ content: [{ type: "text", text: String(value) }] });
const empty = { type: "object" };
const pngHead = Buffer.from("iVBORw0KGgo=", "base64");
const textInput = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { text: { type: "string", pattern: "^[a-z ]+$", description: "What to say." } },
  required: ["text"],
  additionalProperties: false,
};

/** The sessions over HTTP, by id. */
const sessions = new Map();

/** Each tool: its entry in the list, and what it does. */
const tools = {
  echo: {
    entry: { description: "Says it again.", inputSchema: textInput },
    run: ({ text: said }) => text(said),
  },
  look: {
    entry: { title: "Look at it", inputSchema: empty, annotations: { readOnlyHint: true } },
    run: () => text("seen"),
  },
  variable: {
    entry: { inputSchema: empty },
    run: ({ name }) => text(process.env[name] ?? "(not set)"),
  },
  place: {
    entry: { inputSchema: empty },
    run: () => text(JSON.stringify({ pid: process.pid, cwd: process.cwd() })),
  },
  begin: {
    entry: { inputSchema: empty },
    run: () => text(spawn("sleep", ["300"], { detached: true, stdio: "inherit" }).pid),
  },
  pictures: {
    entry: { inputSchema: empty },
    run: ({ count, bytes = 0 }) => {
      const data = Buffer.concat([pngHead, Buffer.alloc(bytes)]).toString("base64");
      const image = { type: "image", data, mimeType: "image/png" };
      if (count !== undefined) return { content: Array.from({ length: count }, () => image) };
      return {
        content: [
          { type: "text", text: "Two things:" },
          { type: "image", data: "aGVsbG8=", mimeType: "image/png" },
          { type: "resource", resource: { uri: "file:///a.txt", text: "inside" } },
          { type: "resource_link", uri: "file:///b.txt", name: "b" },
        ],
      };
    },
  },
  structured: {
    entry: { inputSchema: empty, outputSchema: { type: "object" } },
    run: () => ({ content: [], structuredContent: { answer: 42 } }),
  },
  long: { entry: { inputSchema: empty }, run: () => text(`begin${"x".repeat(200_000)}end`) },
  fail: {
    entry: { inputSchema: empty },
    run: () => ({ ...text("there is no such thing"), isError: true }),
  },
  refuse: {
    entry: { inputSchema: empty },
    run: () => {
      throw new Error(`refused with ${process.env.OWN_TOKEN ?? "nothing"}`);
    },
  },
  wait: {
    entry: { inputSchema: empty },
    run: (_, { mcpReq: { signal } }) =>
      new Promise((resolve) => {
        process.stderr.write("waiting\n");
        signal.addEventListener("abort", () => {
          process.stderr.write("the call was cancelled\n");
          resolve(text("late"));
        });
      }),
  },
  forget: {
    entry: { inputSchema: empty },
    run: () => {
      sessions.clear();
      return text("who are you?");
    },
  },
  choose: {
    entry: { inputSchema: empty },
    run: (_, { mcpReq: { inputResponses, requestState } }) => {
      const given = inputResponses?.edition;
      if (given !== undefined) return text(JSON.stringify([given, requestState() ?? null]));
      const requestedSchema = { type: "object", properties: { edition: { type: "string" } } };
      const edition = inputRequired.elicit({ message: "Which edition?", requestedSchema });
      return inputRequired({ inputRequests: { edition }, requestState: "opaque" });
    },
  },
  crash: { entry: { inputSchema: empty }, run: () => die() },
  grow: {
    entry: { inputSchema: empty },
    run: async (_, __, server) => {
      tools.grown = { entry: { inputSchema: empty }, run: () => text("grown") };
      if (newHandler === undefined) await server.sendToolListChanged();
      else newHandler.notify.toolsChanged();
      return text("there is more now");
    },
  },
};

const pageSize = 5;

/** With `--plain` it has tools and nothing else. */
const isPlain = process.argv.includes("--plain");
const readables = { resources: {}, prompts: {} };

const contents = {
  "notes://today": { mimeType: "text/plain", text: "Water the plants." },
  "notes://long": { text: `begin${"x".repeat(200_000)}end` },
  "notes://photo": { mimeType: "image/png", blob: "aGVsbG8=" },
};
const resources = Object.keys(contents).map((uri) => ({
  uri,
  name: uri.slice(8),
  description: "A note.",
}));
const prompts = [
  {
    name: "review",
    description: "Reviews a file.",
    arguments: [{ name: "file", required: true }, { name: "focus" }],
  },
];

function makeServer() {
  const server = new Server(
    { name: "test", version: "1" },
    { capabilities: { ...(isPlain ? undefined : readables), tools: { listChanged: true } } },
  );
  server.setRequestHandler("tools/list", ({ params }) => {
    const from = Number(params?.cursor ?? 0);
    const all = Object.entries(tools).map(([name, { entry }]) => ({ name, ...entry }));
    const next = from + pageSize;
    return {
      tools: all.slice(from, next),
      nextCursor: next < all.length ? String(next) : undefined,
    };
  });
  server.setRequestHandler("tools/call", ({ params }, context) => {
    noteMeta(context.mcpReq._meta);
    return tools[params.name].run(params.arguments ?? {}, context, server);
  });
  if (isPlain) return server;
  server.setRequestHandler("resources/list", () => ({ resources }));
  server.setRequestHandler("resources/templates/list", () => ({
    resourceTemplates: [{ uriTemplate: "notes://{day}", name: "notes" }],
  }));
  server.setRequestHandler("resources/read", ({ params: { uri } }) => {
    const found = contents[uri];
    if (found === undefined) throw new Error(`there is no ${uri}`);
    return { contents: [{ uri, ...found }] };
  });
  server.setRequestHandler("prompts/list", () => ({ prompts }));
  server.setRequestHandler("prompts/get", ({ params }) => {
    const { file, focus = "everything" } = params.arguments ?? {};
    if (file === undefined) throw new Error("which file?");
    const said = (role, text) => ({ role, content: { type: "text", text } });
    return {
      messages: [
        said("user", `Review ${file}, above all ${focus}.`),
        said("assistant", "I shall."),
      ],
    };
  });
  return server;
}

/** Appends what a call has in `_meta` to the file of that variable. */
function noteMeta(meta) {
  const file = process.env.META_FILE;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(meta ?? {})}\n`);
}

function die() {
  process.stderr.write("everything is lost\n");
  process.exit(7);
}

/** What answers requests of the new era over HTTP. */
let newHandler;

function serveHttp() {
  if (isNew) newHandler = createMcpHandler(makeServer, { legacy: "reject" });
  const http = createServer(async (request, response) => {
    if (request.headers.authorization !== "Bearer open-sesame") {
      response.writeHead(401).end("no");
      return;
    }
    const asked = toWeb(request, response);
    const answer = await (isNew ? newHandler.fetch(asked) : answerOld(asked));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    else
      Readable.fromWeb(answer.body)
        .on("error", () => response.destroy())
        .pipe(response);
  });
  http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    process.stdout.write(`${http.address().port}\n`);
  });
}

/** A request as the package takes it; it is aborted when whoever asked is gone. */
function toWeb(request, response) {
  const { method, url, headers } = request;
  const gone = new AbortController();
  response.once("close", () => response.writableFinished || gone.abort());
  const hasBody = method === "POST";
  return new Request(`http://127.0.0.1${url}`, {
    method,
    headers,
    signal: gone.signal,
    body: hasBody ? Readable.toWeb(request) : undefined,
    duplex: "half",
  });
}

async function answerOld(request) {
  const id = request.headers.get("mcp-session-id");
  let transport = sessions.get(id);
  if (transport === undefined && id !== null) return new Response(null, { status: 404 });
  if (transport === undefined) {
    transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (sessionId) => sessions.set(sessionId, transport),
      onsessionclosed: (sessionId) => {
        sessions.delete(sessionId);
        process.stdout.write("closed\n");
      },
    });
    await makeServer().connect(transport);
  }
  return transport.handleRequest(request);
}

const isOld = process.argv.includes("--old");
const isNew = process.argv.includes("--new");

if (process.argv.includes("--noise")) {
  process.stdout.write("Welcome to the test server!\n{not json\n\n");
  process.stderr.write(`the token is ${process.env.OWN_TOKEN}\n`);
}
if (process.argv.includes("--die")) die();
if (process.argv.includes("--hang")) process.stdin.resume();
else if (process.argv.includes("--http")) serveHttp();
else if (isOld) await makeServer().connect(new StdioServerTransport());
else serveStdio(makeServer, { legacy: isNew ? "reject" : "serve" });
