/**
 * Serves the inspector's page on 127.0.0.1, and to it the entries (docs/inspecting.md). Every answer is
 * a constant file, or goes to whoever has the token.
 */
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../base/errors.js";
import { drained } from "./drained.js";
import type { EntryLog } from "./entryLog.js";
import { refuseForeign, refuseUnknown } from "./pageGuard.js";

/** What the page is made of. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
}

/** What the page can ask for beside entries; resolves with what it is told. */
export type PageAction = (request: unknown) => Promise<unknown>;

/** What a page server needs. */
export interface PageServerOptions {
  /** 0: any port that is free. */
  readonly port: number;
  /** What only the page may know; at least 128 random bits. */
  readonly token: string;
  readonly files: PageFiles;
  readonly log: EntryLog;
  /** What the page is told first. */
  readonly greeting: object;
  readonly act: PageAction;
}

const mostConnections = 32;
const mostBodyBytes = 64 * 1024;
/** Lines that are written at a time, so that other requests get their turn. */
const linesAtOnce = 500;

const always: OutgoingHttpHeaders = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Turnwire inspector</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body><div id="page"></div></body>
</html>
`;

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly text: string;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** A page server that listens. */
export class PageServer {
  readonly #options: PageServerOptions;
  readonly #server: Server;
  readonly port: number;

  /** @throws Error of the system where the port is taken. */
  static async listen(options: PageServerOptions): Promise<PageServer> {
    // Whoever says nothing must not keep the page out.
    const server = createServer({
      headersTimeout: 5000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 2000,
    });
    server.maxConnections = mostConnections;
    server.listen(options.port, "127.0.0.1");
    await once(server, "listening");
    return new PageServer(options, server);
  }

  private constructor(options: PageServerOptions, server: Server) {
    this.#options = options;
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("request", (request, response) => this.#answer(request, response));
    // What is no HTTP, or breaks off, is its sender's loss alone.
    server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** The address that opens the page. The token is in the part that is never sent. */
  get link(): string {
    return `http://127.0.0.1:${this.port}/#${this.#options.token}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // A browser that goes away in the middle is no failure.
    response.on("error", () => {});
    const answer = this.#answerTo(request);
    if (typeof answer !== "function") send(response, answer);
    else answer(request, response).catch(() => response.destroy());
  }

  #answerTo({ method, url, headers }: IncomingMessage): Answer | Handler {
    const foreign = refuseForeign(headers, this.port);
    if (foreign !== undefined) return foreign;
    const file = this.#fileAt(url);
    if (file !== undefined) return method === "GET" ? file : { status: 405, text: "Only GET." };
    const handler = this.#handlerAt(`${method} ${url}`);
    if (handler === undefined) return { status: 404, text: "There is nothing here." };
    return refuseUnknown(headers, this.#options.token) ?? handler;
  }

  /** The paths are compared as they were sent: nothing is decoded, and no file is looked for. */
  #fileAt(url: string | undefined): Answer | undefined {
    const { script, style } = this.#options.files;
    if (url === "/") return { status: 200, type: "text/html", text: document };
    if (url === "/page.js") return { status: 200, type: "text/javascript", text: script };
    if (url === "/page.css") return { status: 200, type: "text/css", text: style };
    return undefined;
  }

  #handlerAt(what: string): Handler | undefined {
    if (what === "GET /entries") return (_request, response) => this.#sendEntries(response);
    if (what === "POST /act") return (request, response) => this.#act(request, response);
    return undefined;
  }

  /** All entries that are kept, one a line, and then each one as it comes. */
  async #sendEntries(response: ServerResponse): Promise<void> {
    const { log, greeting } = this.#options;
    response.writeHead(200, { ...always, "content-type": "application/x-ndjson; charset=utf-8" });
    response.write(`${JSON.stringify(greeting)}\n`);
    let next = 0;
    let version = 0;
    while (!response.destroyed) {
      const part = log.after(next, version, linesAtOnce);
      next = part.next;
      version = part.version;
      if (part.text === "") await log.changed(response);
      else if (!response.write(part.text)) await drained(response);
    }
  }

  async #act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isJson = request.headers["content-type"] === "application/json";
    const body = isJson ? await bodyOf(request) : undefined;
    if (body === undefined) {
      send(response, { status: 400, text: "This is no request in JSON." });
      return;
    }
    try {
      const answer = await this.#options.act(body);
      send(response, { status: 200, type: "application/json", text: JSON.stringify(answer) });
    } catch (error) {
      send(response, { status: 500, text: messageOf(error) });
    }
  }
}

function send(response: ServerResponse, { status, type = "text/plain", text }: Answer): void {
  response.writeHead(status, { ...always, "content-type": `${type}; charset=utf-8` });
  response.end(text);
}

/** The body as JSON; undefined where it is none, or too long. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > mostBodyBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}
