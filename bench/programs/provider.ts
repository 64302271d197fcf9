// The loopback provider of the benches: a process of its own that answers OpenAI's streaming chat
// completions with as many chunks as the prompt asks for, and stamps its own time.
//
//   prompt  `chunks N BYTES [EVERY]`: N chunks of BYTES characters; all at once, or one write each
//           EVERY milliseconds (0: one write each turn of the event loop)
//   prompt  `command LINE`: a call of `bash` with that line, and one chunk once its result is there
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

/** The answer that asks for a shell command. */
function calls(line: string): string {
  const input = JSON.stringify(JSON.stringify({ command: line }));
  const call = `{"index":0,"id":"c1","type":"function","function":{"name":"bash","arguments":${input}}}`;
  const asked = `data: ${head}[{"index":0,"delta":{"tool_calls":[${call}]},"finish_reason":null}]}\n\n`;
  return asked + finish.replace('"stop"', '"tool_calls"');
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

/** The command that the newest message asks for; undefined if it asks for none. */
function wantedCommand(asked: string): string | undefined {
  const last: unknown = JSON.parse(asked).messages.at(-1).content;
  return typeof last === "string" ? /^command (.*)$/s.exec(last)?.[1] : undefined;
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === "/times") {
    response.end(JSON.stringify(times));
    times = [];
    return;
  }
  const arrived = performance.now();
  const asked = await read(request);
  // A pattern with `.*` before the word would try the whole request anew at each of its characters.
  const script = /^chunks (\d+) (\d+)(?: (\d+))?/.exec(asked.slice(asked.lastIndexOf("chunks ")));
  const [count, bytes] = [Number(script?.[1] ?? 1), Number(script?.[2] ?? 20)];
  response.socket?.setNoDelay(true);
  response.writeHead(200, { "content-type": "text/event-stream" });
  const line = wantedCommand(asked);
  if (line !== undefined) {
    response.end(calls(line));
  } else if (script?.[3] === undefined) {
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
