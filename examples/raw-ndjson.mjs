// The protocol without any library: one JSON message a line, over a child's stdin and stdout.
// `node examples/raw-ndjson.mjs`
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../bin/turnwire.js", import.meta.url));
const server = spawn(process.execPath, [launcher, "serve"], {
  stdio: ["pipe", "pipe", "inherit"],
});

let lastId = 0;
const waiting = new Map();

function request(method, params) {
  lastId += 1;
  server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params })}\n`);
  return new Promise((resolve, reject) => waiting.set(lastId, { resolve, reject }));
}

const completed = new Promise((resolve) => {
  createInterface({ input: server.stdout }).on("line", (line) => {
    const message = JSON.parse(line);
    if (message.method === "runComplete") resolve(message.params);
    if (message.method !== undefined) return;
    const { resolve: answer, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error) reject(new Error(message.error.message));
    else answer(message.result);
  });
});

const { protocolVersion } = await request("initialize", {
  protocolVersion: 1,
  clientInfo: { name: "raw-ndjson" },
  capabilities: { requestPermission: false },
});
console.log(`protocol ${protocolVersion}`);

const workspace = await request("createWorkspace", { path: process.cwd(), initAgent: true });
const session = await request("createSession", { workspaceId: workspace.id });
const accepted = await request("sendMessage", {
  workspaceId: workspace.id,
  sessionId: session.id,
  runId: "my-run-1",
  prompt: "@say There are 42.",
});
console.log(`${accepted.runId} is ${accepted.state}`);

const completion = await completed;
console.log(`${completion.status}: ${completion.text}`);
await request("acknowledge", { completionIds: [completion.completionId] });

await request("shutdown", {});
server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "exit" })}\n`);
server.on("exit", (code) => console.log(`exit code ${code}`));
