// Where the browser comes back to after a login: a free port of this machine alone, for one login.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Deferred } from "../base/deferred.js";
import { cutText } from "../base/text.js";

const path = "/callback";

/** What came back with the browser. */
interface Callback {
  readonly code: string;
  /** Who says to have sent it. */
  readonly iss: string | undefined;
}

/** Listens until it is closed. What does not know its state is told nothing, and counts for nothing. */
export class CallbackListener {
  /** What the browser must bring along. */
  readonly state = randomBytes(32).toString("base64url");
  readonly redirectUrl: string;
  readonly #server: Server;
  readonly #callback = new Deferred<Callback>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.redirectUrl = `http://127.0.0.1:${port}${path}`;
    // Who does not wait for it any more has given the login up.
    this.#callback.promise.catch(() => {});
    server.on("request", (request, response) => this.#answer(request, response));
  }

  /** Rejects where no port can be had. */
  static async open(): Promise<CallbackListener> {
    const server = createServer({ requestTimeout: 10_000, maxHeaderSize: 32 * 1024 });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("it has no port");
    return new CallbackListener(server, address.port);
  }

  /** Resolves when the browser has come back; rejects where the login was refused. */
  get callback(): Promise<Callback> {
    return this.#callback.promise;
  }

  close(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.redirectUrl);
    const isOurs = url.pathname === path && url.searchParams.get("state") === this.state;
    if (request.method !== "GET" || !isOurs) {
      reply(response, 404, "There is nothing here.");
      return;
    }
    const { searchParams } = url;
    const code = searchParams.get("code");
    if (code !== null && !searchParams.has("error")) {
      this.#callback.resolve({ code, iss: searchParams.get("iss") ?? undefined });
      reply(response, 200, "You are logged in. You can close this page.");
      return;
    }
    const words = searchParams.get("error_description") ?? searchParams.get("error") ?? "no code";
    this.#callback.reject(new Error(`the login was refused: ${cutText(words, 300)}`));
    reply(response, 400, "The login was refused. You can close this page.");
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    connection: "close",
  });
  response.end(`${text}\n`);
}
