// A provider that has nothing to say yet keeps its stream alive by comments: real bytes over a real
// connection, through the provider's own package, and a clock that the test moves.
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { afterEach, expect, it } from "vitest";
import { callModel } from "../../src/agent/modelCall.js";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import type { ProviderType } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { ManualClock } from "../helpers/manualClock.js";

const idleSeconds = 10;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A clock that says when somebody looks at it: what has arrived is noted down with its time. */
class WatchedClock extends ManualClock {
  looks = 0;
  #next = new Deferred<void>();

  override now(): number {
    this.looks++;
    this.#next?.resolve();
    return super.now();
  }

  async looked(): Promise<void> {
    this.#next = new Deferred();
    await this.#next.promise;
  }
}

/** Answers the one request with a stream that the test writes into. */
async function openStream(): Promise<{ url: string; stream: Promise<ServerResponse> }> {
  const stream = new Deferred<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": open\n\n");
    stream.resolve(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it does not listen");
  return { url: `http://127.0.0.1:${address.port}/v1`, stream: stream.promise };
}

async function begin(type: ProviderType) {
  const { url, stream } = await openStream();
  const info = { id: "m", provider: "p", name: "m", canReason: false, supportsImages: false };
  const provider = { id: "p", type, baseUrl: url, apiKey: "k", headers: {}, models: [info] };
  const clock = new WatchedClock();
  let text = "";
  const result = callModel(
    {
      model: await createLanguageModel(provider, info),
      providerId: "p",
      options: { prompt: [{ role: "user", content: [{ type: "text", text: "hello" }] }] },
      signal: new AbortController().signal,
      idleSeconds,
      random: () => 0,
    },
    {
      part: (part) => {
        if (part.type === "text-delta") text += part.delta;
      },
      restart: () => {
        text = "";
      },
    },
    { clock, ids: { next: () => "id" }, log: silentLog },
  );
  return { clock, stream: await stream, result, said: () => text };
}

/** A quarter of a limit passes, and then a comment arrives. */
async function comment(stream: ServerResponse, clock: WatchedClock): Promise<void> {
  clock.advance((idleSeconds * 1000) / 4);
  const arrived = clock.looked();
  stream.write(": keep-alive\n\n");
  await arrived;
}

it.each<ProviderType>(["openai-compatible", "openai", "anthropic", "google"])(
  "comments alone keep a call of type %s alive for six limits, and no longer",
  async (type) => {
    const { clock, stream, result } = await begin(type);
    const begun = Number(clock.now());
    for (let beats = 0; beats < 22; beats++) await comment(stream, clock);
    expect(await Promise.race([result, Promise.resolve("runs")])).toBe("runs");
    clock.advance(idleSeconds * 2000);
    expect(await result).toMatchObject({
      kind: "failed",
      failure: { errorName: "ProviderTimeout", message: expect.stringContaining("10 seconds") },
    });
    expect(clock.now() - begun).toBeGreaterThan(idleSeconds * 5000);
  },
);

it("a reply that comes behind comments is a whole one", async () => {
  const { clock, stream, result, said } = await begin("openai-compatible");
  for (let beats = 0; beats < 12; beats++) await comment(stream, clock);
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  stream.end(`${chunk({ content: "at last" }, null)}${chunk({}, "stop")}data: [DONE]\n\n`);
  expect(await result).toMatchObject({ kind: "finished" });
  expect(said()).toBe("at last");
});
