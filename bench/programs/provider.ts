// The loopback provider of the benches: a process of its own that answers OpenAI's streaming chat
// completions with as many chunks as the prompt asks for, and stamps its own time.
//
//   prompt  `chunks N BYTES [EVERY]`: N chunks of BYTES characters; all at once, or one write each
//           EVERY milliseconds (0: one write each turn of the event loop)
//   GET /times  the milliseconds from the arrival of each request until its last byte was handed to
//           the socket, since the last time that somebody asked
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { chunkText } from "./chunks.js";

const head =
  '{"id":"chat-1","object":"chat.completion.chunk","created":0,"model":"bench-1","choices":';
const usage = '{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}';
const finish = `data: ${head}[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: ${head}[],"usage":${usage}}\n\ndata: [DONE]\n\n`;

let times: number[] = [];
const bodies = new Map<string, string>();

function chunk(index: number, bytes: number): string {
  const content = JSON.stringify(chunkText(index, bytes));
  return `data: ${head}[{"index":0,"delta":{"content":${content}},"finish_reason":null}]}\n\n`;
}

function body(count: number, bytes: number): string {
  const key = `${count} ${bytes}`;
  const known = bodies.get(key);
  if (known !== undefined) return known;
  const made = Array.from({ length: count }, (_, index) => chunk(index, bytes)).join("") + finish;
  bodies.set(key, made);
  return made;
}

async function read(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/times") {
    response.end(JSON.stringify(times));
    times = [];
    return;
  }
  const arrived = performance.now();
  const script = /.*chunks (\d+) (\d+)(?: (\d+))?/s.exec(await read(request));
  const [count, bytes] = [Number(script?.[1] ?? 1), Number(script?.[2] ?? 20)];
  response.socket?.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream" });
  if (script?.[3] === undefined) {
    response.end(body(count, bytes));
  } else {
    for (let index = 0; index < count; index++) {
      response.write(chunk(index, bytes));
      await pause(Number(script[3]));
    }
    response.end(finish);
  }
  times.push(performance.now() - arrived);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => (ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms)));
}

const server = createServer((request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});
process.stdin.resume().on("end", () => process.exit(0));
