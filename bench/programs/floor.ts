// The floor that every target is a ratio to: a bare server on vscode-jsonrpc over stdio that echoes,
// and answers a prompt by one HTTP call and relays its chunks. Nothing is checked, stored or merged.
//
// Its third argument is how many messages go before the prompt in each request: a longer request costs
// more to send, whoever sends it. With "package" as its fourth argument it sends them through the
// provider's package, which every server with that package has to pay for.
//
// With a file as its second argument it makes two bare durable commits a turn and nothing more of what
// a server does: one before a prompt is answered, one before its end is told. That is what a turn costs
// at least which neither a crash nor a power cut may lose.
//
// With "commands" as its fifth argument, and the package, it offers `bash` to the model, runs the commands
// that it asks for, and asks again with what they printed.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text as wholeText } from "node:stream/consumers";
import type {
  LanguageModelV3,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3ToolCall,
} from "@ai-sdk/provider";
import { createMessageConnection } from "vscode-jsonrpc/node";
import { defined } from "../../src/base/defined.js";
import { promptMessage, sentMessage } from "./history.js";

const url = `${process.argv[2]}/chat/completions`;
const connection = createMessageConnection(process.stdin, process.stdout);

const keep = process.argv[3] ? await openStore(process.argv[3]) : () => {};
const count = Number(process.argv[4] ?? 0);
const history = Array.from({ length: count }, (_, index) => sentMessage(index));
const model = process.argv[5] === "package" ? await packageModel() : undefined;
const tools = process.argv[6] === "commands" ? [bashTool()] : undefined;
const prompts = Array.from({ length: count }, (_, index) => promptMessage(index));

/** The model as the package of its provider makes it. */
async function packageModel(): Promise<LanguageModelV3> {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const baseURL = String(process.argv[2]);
  return createOpenAICompatible({ name: "bench", baseURL }).chatModel("bench-1");
}

function bashTool(): LanguageModelV3FunctionTool {
  return {
    type: "function",
    name: "bash",
    description: "Runs a command line in bash.",
    inputSchema: {
      type: "object",
      properties: { command: { type: "string" } },
      required: ["command"],
    },
  };
}

/** Opens a database; returns what commits a text to the disk itself. */
async function openStore(file: string): Promise<(text: string) => void> {
  const { DatabaseSync } = await import("@photostructure/sqlite");
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE rows (position INTEGER PRIMARY KEY, body TEXT)");
  const insert = database.prepare("INSERT INTO rows (body) VALUES (?)");
  return (text) => {
    // The closure must keep the database itself: a statement alone does not keep it open.
    if (!database.isOpen) throw new Error("the store was closed");
    insert.run(text);
  };
}

connection.onRequest("initialize", (params: unknown) => ({ echo: params }));
connection.onRequest("ping", () => ({}));
connection.onRequest("prompt", (params: { session: string; prompt: string }) => {
  keep(params.prompt);
  void answer(params.session, params.prompt);
  return {};
});

async function answer(session: string, prompt: string): Promise<void> {
  let text = "";
  for await (const delta of model === undefined ? sent(prompt) : sentBy(model, prompt)) {
    text += delta;
    void connection.sendNotification("delta", { session, delta });
  }
  keep(text);
  await connection.sendNotification("done", { session, text });
}

async function* sent(prompt: string): AsyncGenerator<string> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "bench-1",
      stream: true,
      messages: [...history, { role: "user", content: prompt }],
    }),
  });
  yield* deltas(response);
}

async function* sentBy(by: LanguageModelV3, prompt: string): AsyncGenerator<string> {
  const said: LanguageModelV3Message = { role: "user", content: [{ type: "text", text: prompt }] };
  const messages = [...prompts, said];
  for (;;) {
    const call = yield* replyOf(by, messages);
    if (call === undefined) return;
    messages.push(...(await carriedOut(call)));
  }
}

/** One reply; returns the last call in it. */
async function* replyOf(
  by: LanguageModelV3,
  messages: LanguageModelV3Message[],
): AsyncGenerator<string, LanguageModelV3ToolCall | undefined> {
  const { stream } = await by.doStream({ prompt: messages, ...defined({ tools }) });
  const reader = stream.getReader();
  let call: LanguageModelV3ToolCall | undefined;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (next.value.type === "text-delta") yield next.value.delta;
    if (next.value.type === "tool-call") call = next.value;
  }
  return call;
}

/** Runs a command; gives the call and its result as the model is told them. */
async function carriedOut({
  toolCallId,
  toolName,
  input: given,
}: LanguageModelV3ToolCall): Promise<LanguageModelV3Message[]> {
  const input = JSON.parse(given);
  // With a socket as its input, bash may take itself for a login from afar, and read `.bashrc`.
  const child = spawn("bash", ["-c", input.command], { stdio: ["ignore", "pipe", "inherit"] });
  const [value] = await Promise.all([wholeText(child.stdout), once(child, "close")]);
  const output = { type: "text", value } as const;
  return [
    { role: "assistant", content: [{ type: "tool-call", toolCallId, toolName, input }] },
    { role: "tool", content: [{ type: "tool-result", toolCallId, toolName, output }] },
  ];
}

async function* deltas(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  let rest = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: {")) continue;
      const delta = JSON.parse(line.slice(6)).choices[0]?.delta.content;
      if (delta !== undefined) yield delta;
    }
  }
}

connection.listen();
connection.onClose(() => process.exit(0));
