// A model provider on this machine that answers with prepared server-sent events: for the formats
// whose whole language no test needs.
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { SseWriter } from "./sse.js";

/** One event: its data, and its name where the format has one. */
export interface SseEvent {
  readonly name?: string;
  readonly data: object;
}

/** A request as it arrived. */
export interface SseRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startSseProvider(): Promise<SseProvider> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new SseProvider(server);
}

export class SseProvider {
  readonly requests: SseRequest[] = [];
  readonly #server: Server;
  readonly #queue: (readonly SseEvent[])[] = [];

  constructor(server: Server) {
    this.#server = server;
    server.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const body: SseRequest["body"] = JSON.parse(Buffer.concat(chunks).toString("utf8"));
      this.requests.push({ path: request.url ?? "", headers: request.headers, body });
      const sse = new SseWriter(response);
      sse.begin();
      for (const { data, name } of this.#queue.shift() ?? []) await sse.event(data, name);
      sse.end();
    });
  }

  get origin(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  /** The answers of the next requests, one each. A stream ends where its events do. */
  enqueue(...answers: (readonly SseEvent[])[]): void {
    this.#queue.push(...answers);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
