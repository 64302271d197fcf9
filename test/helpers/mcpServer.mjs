// A tool server for tests, over stdio or (with `--http`) over HTTP on a free port of 127.0.0.1, which
// it then prints. With `--hang` it answers nothing at all; with `--noise` it writes what is no message.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const text = (value) => ({ content: [{ type: "text", text: String(value) }] });
const empty = { type: "object" };
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
    run: () => ({
      content: [
        { type: "text", text: "Two things:" },
        { type: "image", data: "aGVsbG8=", mimeType: "image/png" },
        { type: "resource", resource: { uri: "file:///a.txt", text: "inside" } },
        { type: "resource_link", uri: "file:///b.txt", name: "b" },
      ],
    }),
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
    run: (_, { signal }) =>
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
  crash: { entry: { inputSchema: empty }, run: () => die() },
  grow: {
    entry: { inputSchema: empty },
    run: async (_, { sendNotification }) => {
      tools.grown = { entry: { inputSchema: empty }, run: () => text("grown") };
      await sendNotification({ method: "notifications/tools/list_changed" });
      return text("there is more now");
    },
  },
};

const pageSize = 5;

function makeServer() {
  const server = new Server(
    { name: "test", version: "1" },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const from = Number(params?.cursor ?? 0);
    const all = Object.entries(tools).map(([name, { entry }]) => ({ name, ...entry }));
    const next = from + pageSize;
    return {
      tools: all.slice(from, next),
      ...(next < all.length ? { nextCursor: String(next) } : {}),
    };
  });
  server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) =>
    tools[params.name].run(params.arguments ?? {}, extra),
  );
  return server;
}

function die() {
  process.stderr.write("everything is lost\n");
  process.exit(7);
}

async function serveHttp() {
  const http = createServer(async (request, response) => {
    if (request.headers.authorization !== "Bearer open-sesame") {
      response.writeHead(401).end("no");
      return;
    }
    const id = request.headers["mcp-session-id"];
    let transport = sessions.get(id);
    if (transport === undefined && id !== undefined) {
      response.writeHead(404).end();
      return;
    }
    if (transport === undefined) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (sessionId) => sessions.set(sessionId, transport),
        onsessionclosed: (sessionId) => {
          sessions.delete(sessionId);
          process.stdout.write("closed\n");
        },
      });
      await makeServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  });
  http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => {
    process.stdout.write(`${http.address().port}\n`);
  });
}

if (process.argv.includes("--noise")) {
  process.stdout.write("Welcome to the test server!\n{not json\n\n");
  process.stderr.write(`the token is ${process.env.OWN_TOKEN}\n`);
}
if (process.argv.includes("--die")) die();
if (process.argv.includes("--hang")) process.stdin.resume();
else if (process.argv.includes("--http")) await serveHttp();
else await makeServer().connect(new StdioServerTransport());
