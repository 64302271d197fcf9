// A model provider on this machine: a real HTTP server that speaks OpenAI's streaming chat
// completions and answers what a test has prepared.
//
//   const provider = await startLoopbackProvider();
//   provider.enqueue(reply().text("Hello"));
//   … run something against provider.baseUrl …
//   expect(provider.requests[0]?.body.messages).toEqual(…);
//   await provider.close();
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type ErrorReply, Reply, reply } from "./loopbackReply.js";
import { SseWriter } from "./sse.js";

export { errorReply, reply } from "./loopbackReply.js";

/** What a request is for; titles and summaries are answered apart from the conversation. */
export type RequestPurpose = "turn" | "title" | "summary";

/** A request as it arrived. */
export interface LoopbackRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ChatRequest;
  readonly purpose: RequestPurpose;
  /** Resolves when the client has closed the connection, or the answer is complete. */
  readonly closed: Promise<void>;
}

/** What matters of a chat completion's request. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: unknown;
    readonly [other: string]: unknown;
  }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly [other: string]: unknown;
}

type Answer = Reply | ErrorReply;

/** Starts a provider on a free port of 127.0.0.1. */
export async function startLoopbackProvider(): Promise<LoopbackProvider> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new LoopbackProvider(server);
}

export class LoopbackProvider {
  /** Every request, in the order of arrival. */
  readonly requests: LoopbackRequest[] = [];
  readonly #server: Server;
  readonly #queue: Answer[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  #default: () => Answer = () => reply().text("ok");
  #title: () => Answer = () => reply().text("Loopback session").usage(1, 1);
  #summary: () => Answer = () => reply().text("Summary by the loopback provider.").usage(1, 1);

  constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(asError(error)));
    });
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    return address.port;
  }

  /** For a provider's `baseUrl`. */
  get baseUrl(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** The requests of conversations: without titles and summaries. */
  get turnRequests(): LoopbackRequest[] {
    return this.requests.filter(({ purpose }) => purpose === "turn");
  }

  /** A configuration (protocol.md section 10) whose one provider is this one. */
  config(more: object = {}): object {
    return {
      providers: {
        loopback: {
          type: "openai-compatible",
          baseUrl: this.baseUrl,
          models: [{ id: "loop-1", contextWindow: 128_000 }],
          defaultLargeModel: "loop-1",
          defaultSmallModel: "loop-1",
        },
      },
      models: { large: { provider: "loopback", model: "loop-1" } },
      ...more,
    };
  }

  /** Answers of the next requests of conversations, one each. */
  enqueue(...answers: Answer[]): void {
    this.#queue.push(...answers);
  }

  /** What is answered when nothing is queued. */
  byDefault(answer: () => Answer): void {
    this.#default = answer;
  }

  onTitle(answer: () => Answer): void {
    this.#title = answer;
  }

  onSummary(answer: () => Answer): void {
    this.#summary = answer;
  }

  /** Resolves once so many requests, of any purpose, have arrived. */
  async untilRequests(count: number): Promise<void> {
    if (this.requests.length >= count) return;
    await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
  }

  /** Stops listening and breaks every connection. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body: ChatRequest = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const purpose = purposeOf(body);
    const closed = once(response, "close").then(() => {});
    const { url: path = "", headers } = request;
    this.requests.push({ path, headers, body, purpose, closed });
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (this.requests.length < count) return true;
      resolve();
      return false;
    });
    const answer = this.#answerTo(purpose);
    if (answer instanceof Reply) await stream(answer, body.model, response, closed);
    else await refuse(answer, response);
  }

  #answerTo(purpose: RequestPurpose): Answer {
    if (purpose === "title") return this.#title();
    if (purpose === "summary") return this.#summary();
    return this.#queue.shift() ?? this.#default();
  }
}

/** The agent's instructions for these calls begin like this. */
function purposeOf({ messages }: ChatRequest): RequestPurpose {
  const [first] = messages;
  const system = first?.role === "system" ? String(first.content) : "";
  if (system.startsWith("You write titles.")) return "title";
  if (system.startsWith("You write the summary")) return "summary";
  return "turn";
}

async function refuse(answer: ErrorReply, response: ServerResponse): Promise<void> {
  await answer.gate;
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body);
}

async function stream(
  answer: Reply,
  model: string,
  response: ServerResponse,
  closed: Promise<void>,
): Promise<void> {
  const sse = new SseWriter(response, answer.pieceBytes);
  const head = { id: "chat-1", object: "chat.completion.chunk", created: 0, model };
  const choice = (delta: object, finish_reason: string | null = null) =>
    sse.event({ ...head, choices: [{ index: 0, delta, finish_reason }] });
  sse.begin(answer.headers);
  for (const step of answer.steps) {
    if (step.kind === "delta") await choice(step.delta);
    else if (step.kind === "event") await sse.event(step.data);
    else if (step.kind === "raw") await sse.raw(step.text);
    else if (step.kind === "gate") await Promise.race([step.gate, closed]);
    else if (step.kind === "silence") await closed;
    else response.destroy();
    if (response.destroyed) return;
  }
  if (answer.hasFinish) await choice({}, answer.finishReason ?? answer.usualFinish);
  if (answer.tokens) await sse.event({ ...head, choices: [], usage: answer.tokens });
  if (answer.hasDone) await sse.event("[DONE]");
  sse.end();
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
