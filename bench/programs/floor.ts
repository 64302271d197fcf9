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

import type { LanguageModelV3, LanguageModelV3Message } from "@ai-sdk/provider";
import { createMessageConnection } from "vscode-jsonrpc/node";
import { promptMessage, sentMessage } from "./history.js";
import { bashTool, carriedOut, packageModel, replyOf } from "./packageReply.js";

const url = `${process.argv[2]}/chat/completions`;
const connection = createMessageConnection(process.stdin, process.stdout);

const keep = process.argv[3] ? await openStore(process.argv[3]) : () => {};
const count = Number(process.argv[4] ?? 0);
const history = Array.from({ length: count }, (_, index) => sentMessage(index));
const isPackaged = process.argv[5] === "package";
const model = isPackaged ? await packageModel(String(process.argv[2])) : undefined;
const tools = process.argv[6] === "commands" ? [bashTool()] : undefined;
const prompts = Array.from({ length: count }, (_, index) => promptMessage(index));

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
    const call = yield* replyOf(by, messages, tools);
    if (call === undefined) return;
    messages.push(...(await carriedOut(call)));
  }
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
