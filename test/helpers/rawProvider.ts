// A server on this machine that answers with prepared bytes, in the pieces and up to the point that a
// test wants.
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";

/** An answer. */
export interface RawAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** The encoding in which the body is bytes; UTF-8 unless told. */
  readonly encoding?: "latin1";
  /** Sends the body in pieces of this many bytes. */
  readonly pieceBytes?: number;
  /** Breaks the connection after this many bytes of the body. */
  readonly cutAfterBytes?: number;
}

export interface RawRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class RawProvider {
  readonly requests: RawRequest[] = [];
  readonly #server: Server;
  readonly #queue: RawAnswer[] = [];
  /** What is answered when nothing is queued. */
  usual: RawAnswer = { status: 500, body: "nothing is prepared" };

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { url: path = "", headers } = request;
      this.requests.push({ path, headers, body: Buffer.concat(chunks).toString("utf8") });
      await write(response, this.#queue.shift() ?? this.usual);
    });
  }

  static async start(): Promise<RawProvider> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RawProvider(server);
  }

  get origin(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  enqueue(...answers: RawAnswer[]): void {
    this.#queue.push(...answers);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

async function write(response: ServerResponse, answer: RawAnswer): Promise<void> {
  const all = Buffer.from(answer.body, answer.encoding);
  const bytes = all.subarray(0, answer.cutAfterBytes ?? all.length);
  response.socket?.setNoDelay(true);
  response.writeHead(answer.status ?? 200, {
    "content-type": "text/event-stream",
    ...answer.headers,
  });
  const size = answer.pieceBytes ?? Math.max(1, bytes.length);
  for (let at = 0; at < bytes.length && !response.destroyed; at += size) {
    await new Promise<void>((done) => response.write(bytes.subarray(at, at + size), () => done()));
    // A turn of the event loop between two writes keeps them from arriving as one.
    if (size < bytes.length) await new Promise<void>((done) => setImmediate(done));
  }
  if (answer.cutAfterBytes === undefined) response.end();
  else response.destroy();
}
