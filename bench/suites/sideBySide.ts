// Eight calls of one second each that a model asks for in one reply: they only read, and run side by
// side.
import { once } from "node:events";
import { createServer } from "node:http";
import { makePlace, Server } from "../contestants.js";
import { type BenchContext, type Findings, median, type Suite } from "../measure.js";

export const sideBySide: Suite = { name: "sideBySide", run };

const calls = 8;
const callMs = 1_000;

/** A provider that asks for eight downloads and then says a word; what it names takes a second each. */
async function startSlowPages() {
  const server = createServer((request, response) => {
    if (request.method === "GET") {
      setTimeout(() => response.end("a page"), callMs);
      return;
    }
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const { messages } = JSON.parse(Buffer.concat(pieces).toString());
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(messages.at(-1).role === "tool" ? word : asks(request.headers.host ?? ""));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it does not listen");
  return { server, baseUrl: `http://127.0.0.1:${address.port}/v1` };
}

function event(delta: object, finish: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  const chunk = { id: "c", object: "chat.completion.chunk", created: 0, model: "bench-1", choices };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const word = `${event({ content: "done" }, null)}${event({}, "stop")}data: [DONE]\n\n`;

function asks(host: string): string {
  const each = Array.from({ length: calls }, (_, index) => {
    const input = JSON.stringify({ url: `http://${host}/page/${index}` });
    const call = { name: "fetch", arguments: input };
    return event(
      { tool_calls: [{ index, id: `c${index}`, type: "function", function: call }] },
      null,
    );
  });
  return `${each.join("")}${event({}, "tool_calls")}data: [DONE]\n\n`;
}

async function run(context: BenchContext): Promise<Findings> {
  const { server: pages, baseUrl } = await startSlowPages();
  const permissions = { allow: [`fetch:${new URL(baseUrl).origin}/**`] };
  const server = new Server(makePlace(context.makeFolder(), { baseUrl }, { permissions }), {});
  await server.greet();
  const times: number[] = [];
  for (let round = 0; round < (context.isQuick ? 2 : 5); round++) {
    times.push((await (await server.session()).turn("Look at all of them.")).ms);
  }
  await server.end();
  pages.close();
  return {
    rows: [
      {
        suite: "sideBySide",
        what: "eight calls of one second each in one reply",
        unit: "ms",
        ours: median(times),
        rule: { kind: "atMost", limit: 1_300 },
      },
    ],
  };
}
