// A model provider on the loopback, for servers that are checked with a model of their own. It
// speaks the chat completions of OpenAI, and plays the same scripts as the offline model.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isMembers, listOf, type Members, membersOf, textOf } from "./message.js";

/** The model that it offers. */
export const scriptedModel = "scripted";

/** What a request asked for, and what became of it. */
export interface Asked {
  /** The texts of all messages of the user, oldest first. */
  readonly prompts: readonly string[];
  /** Resolves with whether the caller waited for the whole answer. */
  readonly ended: Promise<"answered" | "aborted">;
}

export class ScriptedProvider {
  /** Where its routes begin: `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  /** The agent's requests so far; those for a title or a summary, which offer no tools, are not here. */
  readonly asked: Asked[] = [];
  readonly #server;

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  }

  static async start(): Promise<ScriptedProvider> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const provider = new ScriptedProvider(server);
    server.on("request", (request, response) => {
      // A caller that has gone takes no answer; whoever waits for the server's run tells of it.
      provider.#answer(request, response).catch(() => response.destroy());
    });
    return provider;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (request.method !== "POST") {
      sendJson(response, 200, { object: "list", data: [{ id: scriptedModel, object: "model" }] });
      return;
    }
    const messages = listOf(body, "messages").filter(isMembers);
    if (listOf(body, "tools").length === 0) {
      await play(["@say A title"], body, response);
      return;
    }
    const prompts = messages
      .filter(({ role }) => role === "user")
      .map((each) => textsIn(each).join("\n"));
    const ended = once(response, "close").then(() =>
      response.writableFinished ? ("answered" as const) : ("aborted" as const),
    );
    const earlier = this.asked.filter((each) => each.prompts.at(-1) === prompts.at(-1)).length;
    this.asked.push({ prompts, ended });
    await play(stepsOf(messages, earlier), body, response);
  }
}

/** The steps that this call plays: those of the turn, up to its next tool, behind those played. */
function stepsOf(messages: readonly Members[], earlier: number): readonly string[] {
  const [first, ...others] = messages.slice(turnStart(messages));
  // Before the turn's own prompt there may be those of turns that failed or were cancelled.
  const steps = [...(first === undefined ? [] : (scriptsOf(first).at(-1) ?? []))];
  let played = 0;
  for (const message of others) {
    if (message.role === "user") steps.push(...scriptsOf(message).flat());
    if (message.role === "assistant") played += listOf(message, "tool_calls").length;
  }
  const isTool = (step: string) => step.startsWith("@tool ");
  let rest = steps;
  for (; played > 0; played--) rest = rest.slice(rest.findIndex(isTool) + 1);
  const tool = rest.findIndex(isTool);
  const wanted = tool === -1 ? rest : rest.slice(0, tool + 1);
  // `@busy N` answers so many calls with a rate limit, and plays what is behind it after them.
  const busy = Number(/^@busy (\d+)$/.exec(wanted[0] ?? "")?.[1] ?? 0);
  if (busy === 0) return wanted;
  return earlier < busy ? ["@fail 429 not so fast"] : wanted.slice(1);
}

/**
 * Where the turn begins: behind the last reply that called no tool, at the last message of the user
 * before a tool was called. What the user said after a tool's result has joined the turn.
 */
function turnStart(messages: readonly Members[]): number {
  const calls = ({ role, ...message }: Members) =>
    role === "assistant" && listOf(message, "tool_calls").length > 0;
  const last = messages.findLastIndex((each) => each.role === "assistant" && !calls(each));
  const call = messages.findIndex((each, index) => index > last && calls(each));
  const before = call === -1 ? messages : messages.slice(0, call);
  return Math.max(
    0,
    before.findLastIndex(({ role }) => role === "user"),
  );
}

/**
 * The scripts in a message: several, where a server sends neighbouring prompts as one message, each
 * in a part of its own or behind a blank line.
 */
function scriptsOf(message: Members): readonly (readonly string[])[] {
  const scripts = textsIn(message)
    .flatMap((text) => text.split("\n\n"))
    .map((text) => text.split("\n").filter((line) => line.startsWith("@")))
    .filter((lines) => lines.length > 0);
  return scripts.length > 0 ? scripts : [["@say There is no script."]];
}

function textsIn({ content }: Members): readonly string[] {
  if (typeof content === "string") return [content];
  return listOf({ content }, "content").map((part) => textOf(part, "text"));
}

async function play(
  steps: readonly string[],
  body: Members,
  response: ServerResponse,
): Promise<void> {
  const failing = steps.find((step) => step.startsWith("@fail "));
  const calls = steps.some((step) => step.startsWith("@tool "));
  const reason = calls ? "tool_calls" : "stop";
  if (failing !== undefined) {
    for (const step of steps.filter((each) => each.startsWith("@wait "))) await waits(step);
    const [, status = "500", ...words] = failing.split(" ");
    const error = { message: words.join(" "), type: "scripted", code: null };
    sendJson(response, Number(status), { error }, status === "429" ? { "retry-after": "0" } : {});
    return;
  }
  if (body.stream !== true) {
    const content = textsOf(steps).join("\n");
    const message = { role: "assistant", content };
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    sendJson(response, 200, {
      ...head,
      choices: [{ index: 0, message, finish_reason: reason }],
      usage,
    });
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  let isFirst = true;
  for (const step of steps) {
    if (response.destroyed) return;
    const isText = step.startsWith("@say ") || step.startsWith("@chunks ");
    if (isText && !isFirst) await sendDelta(response, { content: "\n" });
    if (isText) isFirst = false;
    await playStep(step, response);
  }
  await send(response, { ...head, choices: [{ index: 0, delta: {}, finish_reason: reason }] });
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  await send(response, { ...head, choices: [], usage });
  response.end("data: [DONE]\n\n");
}

async function playStep(step: string, response: ServerResponse): Promise<void> {
  const [directive = "", first = "", second = ""] = step.split(" ");
  if (directive === "@wait") await waits(step, response);
  else if (directive === "@chunks") {
    const content = "x".repeat(Number(second || "16"));
    for (let left = Number(first); left > 0 && !response.destroyed; left--) {
      await sendDelta(response, { content });
    }
  } else if (directive === "@tool") {
    const call = { name: first, arguments: step.slice("@tool  ".length + first.length) || "{}" };
    const id = `call_${randomUUID()}`;
    await sendDelta(response, {
      tool_calls: [{ index: 0, id, type: "function", function: call }],
    });
  } else await sendDelta(response, { content: step.slice(directive.length + 1) });
}

const head = {
  id: "scripted-1",
  object: "chat.completion.chunk",
  created: 0,
  model: scriptedModel,
};

function sendDelta(response: ServerResponse, delta: object): Promise<void> {
  return send(response, { ...head, choices: [{ index: 0, delta, finish_reason: null }] });
}

/** Waits where the caller reads slowly, so that a long answer does not pile up here. */
async function send(response: ServerResponse, chunk: object): Promise<void> {
  if (response.destroyed || response.write(`data: ${JSON.stringify(chunk)}\n\n`)) return;
  await new Promise<void>((resolve) => {
    const go = () => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}

/** The step's time, or until the caller has gone. */
async function waits(step: string, response?: ServerResponse): Promise<void> {
  response?.flushHeaders();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, Number(step.split(" ")[1]));
    response?.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function textsOf(steps: readonly string[]): readonly string[] {
  return steps.filter((step) => step.startsWith("@say ")).map((step) => step.slice("@say ".length));
}

function sendJson(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<Members> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : membersOf({ body: JSON.parse(text) as unknown }, "body");
}
