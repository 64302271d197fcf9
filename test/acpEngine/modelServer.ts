// A model for other people's agents: one server on this machine that speaks Anthropic's, OpenAI's (both)
// and Google's language, and does what the newest mark in the conversation says.
//
//   TW-TEXT  answers; TW-TOOL COMMAND;  calls the agent's own tool for commands, and answers when it has
//   the result; TW-HANG  begins an answer and never ends it. Whatever has no mark (titles and the like) is
//   answered with a word.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { defined } from "../../src/base/defined.js";

/** What the model says to a text, as long as its connection lives. */
export const spokenText = "This is the whole answer.";
export const afterTool = "The command has run.";
export const hanging = "This answer has begun";

type Json = Readonly<Record<string, unknown>>;

interface Call {
  readonly name: string;
  readonly input: Json;
}

/** What is said in one reply. */
interface Said {
  readonly text?: string;
  readonly call?: Call;
  /** Nothing follows, and the connection stays. */
  readonly hangs?: boolean;
}

/** One language: what a reply is in it, and how a tool is named in a request. */
interface Language {
  events(said: Said): string[];
  whole(text: string): object;
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const named = (value: { readonly type: string }) => `event: ${value.type}\n${data(value)}`;
let lastId = 0;
const newId = (prefix: string) => `${prefix}_${String(++lastId).padStart(6, "0")}`;

const anthropic: Language = {
  events({ text, call, hangs }) {
    const message = { ...anthropic.whole(""), content: [], stop_reason: null };
    const block = (index: number, content_block: object, delta: object) => [
      { type: "content_block_start", index, content_block },
      { type: "content_block_delta", index, delta },
      ...unlessHung(hangs, [{ type: "content_block_stop", index }]),
    ];
    const spoken = text && block(0, { type: "text", text: "" }, { type: "text_delta", text });
    const tool = call && { type: "tool_use", id: newId("toolu"), name: call.name, input: {} };
    const partial_json = JSON.stringify(call?.input);
    const asked = tool && block(spoken ? 1 : 0, tool, { type: "input_json_delta", partial_json });
    const stop_reason = call === undefined ? "end_turn" : "tool_use";
    const delta = { stop_reason, stop_sequence: null };
    return [
      { type: "message_start", message },
      ...(spoken || []),
      ...(asked ?? []),
      ...unlessHung(hangs, [
        { type: "message_delta", delta, usage: { output_tokens: 5 } },
        { type: "message_stop" },
      ]),
    ].map(named);
  },
  whole: (text) => ({
    id: newId("msg"),
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4-5",
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 10,
      output_tokens: 5,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
    },
  }),
};

const responses: Language = {
  events({ text, call, hangs }) {
    const id = newId("resp");
    const message = { type: "message", id: newId("msg"), role: "assistant" };
    const content = [{ type: "output_text", text: text ?? "", annotations: [] }];
    const tool = call && {
      type: "function_call",
      id: newId("fc"),
      call_id: newId("call"),
      name: call.name,
      arguments: JSON.stringify(call.input),
    };
    const added = (output_index: number, item: object) => ({
      type: "response.output_item.added",
      output_index,
      item,
    });
    const done = (output_index: number, item: object) => ({
      type: "response.output_item.done",
      output_index,
      item,
    });
    const at = { output_index: 0, item_id: message.id, content_index: 0 };
    const spoken = text
      ? [
          added(0, { ...message, status: "in_progress", content: [] }),
          { type: "response.output_text.delta", ...at, delta: text },
          ...unlessHung(hangs, [done(0, { ...message, status: "completed", content })]),
        ]
      : [];
    const asked = tool ? [added(1, { ...tool, arguments: "" }), done(1, tool)] : [];
    const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };
    return [
      { type: "response.created", response: { id, status: "in_progress", output: [] } },
      ...spoken,
      ...asked,
      ...unlessHung(hangs, [
        {
          type: "response.completed",
          response: { id, status: "completed", usage, output: [] },
        },
      ]),
    ].map(named);
  },
  whole: (text) => ({
    id: newId("resp"),
    object: "response",
    status: "completed",
    output: [{ type: "message", role: "assistant", content: [{ type: "output_text", text }] }],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  }),
};

const chat: Language = {
  events({ text, call, hangs }) {
    const head = { id: newId("c"), object: "chat.completion.chunk", created: 1, model: "m" };
    const chunk = (delta: object, finish_reason: string | null = null) =>
      data({ ...head, choices: [{ index: 0, delta, finish_reason }] });
    const name = call?.name;
    const asked = { name, arguments: JSON.stringify(call?.input) };
    const tool = { index: 0, id: newId("call"), type: "function", function: asked };
    const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
    return [
      chunk({ role: "assistant", content: text ?? "" }),
      ...(call === undefined ? [] : [chunk({ tool_calls: [tool] })]),
      ...unlessHung(hangs, [
        chunk({}, call === undefined ? "stop" : "tool_calls"),
        data({ ...head, choices: [], usage }),
        "data: [DONE]\n\n",
      ]),
    ];
  },
  whole: (content) => ({
    id: newId("c"),
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  }),
};

const google: Language = {
  events({ text, call, hangs }) {
    const spoken = text === undefined ? [] : [{ text }];
    const asked =
      call === undefined ? [] : [{ functionCall: { name: call.name, args: call.input } }];
    const parts = [...spoken, ...asked];
    return parts.map((part, index) => data(candidate(part, !hangs && index === parts.length - 1)));
  },
  whole: (text) => candidate({ text }, true),
};

function candidate(part: object, isLast: boolean): object {
  const content = { role: "model", parts: [part] };
  return {
    candidates: [{ index: 0, content, ...defined({ finishReason: isLast ? "STOP" : undefined }) }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
  };
}

/** Names that agents give to their tools for commands, and what those are called with. */
const commandTools: Readonly<Record<string, (command: string) => Json>> = {
  Bash: (command) => ({ command, description: "Runs it" }),
  bash: (command) => ({ command, description: "Runs it" }),
  run_shell_command: (command) => ({ command, description: "Runs it" }),
  // Its own sandbox keeps it from writing unless it asks to leave it.
  exec_command: (cmd) => ({
    cmd,
    sandbox_permissions: "require_escalated",
    justification: "to write",
  }),
  shell_command: (command) => ({ command }),
  shell: (command) => ({ command: ["bash", "-lc", command] }),
};

/** What ends a reply, unless it hangs. */
function unlessHung<T>(hangs: boolean | undefined, end: readonly T[]): readonly T[] {
  return hangs === true ? [] : end;
}

/** A running model. */
export class ModelServer {
  /** The conversations that were sent, as JSON. */
  readonly asked: string[] = [];
  /** Paths that nobody answers. */
  readonly unknown: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<ModelServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ModelServer(server);
  }

  get origin(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it does not listen");
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { pathname } = new URL(request.url ?? "/", this.origin);
    const language = languageOf(pathname);
    if (request.method !== "POST" || language === undefined) {
      this.unknown.push(`${request.method} ${pathname}`);
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":{}}');
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Json;
    const talk = JSON.stringify(body.messages ?? body.input ?? body.contents ?? []);
    this.asked.push(talk);
    const said = answerTo(talk, body);
    const streams = body.stream === true || pathname.includes(":streamGenerateContent");
    if (!streams) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(language.whole(said.text ?? "OK")));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const event of language.events(said)) response.write(event);
    if (!said.hangs) response.end();
  }
}

function languageOf(path: string): Language | undefined {
  if (path.endsWith("/messages")) return anthropic;
  if (path.endsWith("/responses")) return responses;
  if (path.endsWith("/chat/completions")) return chat;
  return /:(?:streamG|g)enerateContent$/.test(path) ? google : undefined;
}

function answerTo(talk: string, body: Json): Said {
  const at = talk.lastIndexOf("TW-");
  const [, mark = "", command = ""] =
    /^TW-(TEXT|TOOL|HANG)(?: ([^;]*);)?/.exec(talk.slice(at)) ?? [];
  if (at === -1 || mark === "") return { text: "OK" };
  if (mark === "TEXT") return { text: spokenText };
  if (mark === "HANG") return { text: hanging, hangs: true };
  const hasResult = /"tool_result"|"function_call_output"|"role":"tool"|"functionResponse"/.test(
    talk.slice(at),
  );
  if (hasResult) return { text: afterTool };
  const offered = JSON.stringify(body.tools ?? []);
  const tool = Object.entries(commandTools).find(([name]) => offered.includes(`"name":"${name}"`));
  // A request without tools is no part of the turn.
  if (tool === undefined) return { text: "OK" };
  const [name, inputOf] = tool;
  return { call: { name, input: inputOf(command) } };
}
