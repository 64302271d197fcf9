// Sends requests straight to their target, over Node's own HTTP client. The platform's `fetch` takes
// 35 ms of a process's first request, tens of megabytes, and three times as long for each one.
import type { IncomingMessage } from "node:http";
import * as http from "node:http";
import { loopTurn } from "../base/loopTurn.js";
import { Answer } from "./answer.js";
import { answerBody } from "./answerBody.js";
import { HeaderList } from "./headerList.js";
import { type Patience, RequestLife } from "./requestLife.js";

/** How long a connection without a request is kept, in milliseconds. */
const idleMs = 4000;

/** From so many characters on, a body is encoded before it is sent. */
const longText = 65_536;

/** What a request says of itself unless it is told. */
const usualHeaders: readonly (readonly [string, string])[] = [
  ["accept", "*/*"],
  ["accept-encoding", "identity"],
  ["user-agent", "node"],
];

/** Whether a request can be sent by {@link directFetch}. */
export function isDirect(url: URL, { body }: RequestInit): boolean {
  const isText = typeof body === "string" || body instanceof Uint8Array || body == null;
  return isText && (url.protocol === "http:" || url.protocol === "https:");
}

/**
 * Like `fetch` with `redirect: "manual"`, for a request whose body is text or bytes.
 *
 * @throws TypeError "fetch failed" with the reason as its cause, where there is no answer. Where the answer
 * ends too early, its body fails with a TypeError "terminated". An abort throws the signal's reason.
 */
export async function directFetch(
  url: URL,
  init: RequestInit,
  patience: Patience,
): Promise<Response> {
  if (url.username !== "" || url.password !== "") {
    throw new TypeError("a request's address must have no user name and no password");
  }
  const { signal } = init;
  signal?.throwIfAborted();
  const { request, agent } = await clientOf(url);
  signal?.throwIfAborted();
  const body = encoded(init.body as string | Uint8Array | null | undefined);
  const sent = request(url, {
    agent,
    method: init.method ?? "GET",
    headers: headersOf(init.headers, body),
    // 0: none. Without this, the time for an idle connection would hold.
    timeout: Number.isFinite(patience.silenceMs) ? patience.silenceMs : 0,
  });
  const life = new RequestLife(sent, signal ?? undefined, patience);
  const answered = life.answered();
  if (body == null) sent.end();
  else sent.end(body);
  const incoming = await answered;
  // Many answers arrive together. Nothing of this one is read yet, so nothing of it can be lost.
  await loopTurn();
  return Answer.of(await bodyOf(incoming, init.method, life), {
    status: incoming.statusCode ?? 0,
    statusText: incoming.statusMessage ?? "",
    headers: HeaderList.received(incoming.headers),
    url: url.href,
  });
}

/**
 * A long text as bytes. Node would join it with the headers, and copy that again to encode it: a request
 * of 1 MB took 0.7 ms more of the processor so.
 */
function encoded(body: string | Uint8Array | null | undefined): typeof body {
  return typeof body === "string" && body.length >= longText ? Buffer.from(body) : body;
}

type Client = { readonly request: typeof http.request; readonly agent: http.Agent };

const options = { keepAlive: true, timeout: idleMs };
let plain: Client | undefined;
let secure: Promise<Client> | undefined;

function clientOf(url: URL): Client | Promise<Client> {
  if (url.protocol === "https:") {
    secure ??= import("node:https").then(({ request, Agent }) => ({
      request,
      agent: new Agent(options),
    }));
    return secure;
  }
  plain ??= { request: http.request, agent: new http.Agent(options) };
  return plain;
}

function headersOf(
  given: RequestInit["headers"],
  body: string | Uint8Array | null | undefined,
): Record<string, string> {
  const list = new HeaderList(given as ConstructorParameters<typeof HeaderList>[0]);
  for (const [name, value] of usualHeaders) if (!list.has(name)) list.set(name, value);
  if (body != null) list.set("content-length", String(Buffer.byteLength(body)));
  return Object.fromEntries(list);
}

/** The body as the sender had it before it was compressed; null where an answer has none. */
async function bodyOf(
  incoming: IncomingMessage,
  method: string | undefined,
  life: RequestLife,
): Promise<ReadableStream<Uint8Array> | null> {
  const hasNone = method === "HEAD" || incoming.statusCode === 204 || incoming.statusCode === 304;
  if (hasNone) {
    incoming.resume();
    return null;
  }
  const coding = incoming.headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (coding === "identity" || coding === "") return answerBody(incoming, life);
  const { unpacked } = await import("./unpacked.js");
  return answerBody(unpacked(incoming, coding), life);
}
