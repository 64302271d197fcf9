// The least that keeps the promises of protocol.md for a turn: what a server of the same kind costs that
// checks nothing, asks nobody, and offers nothing else. It keeps a conversation in memory and on the disk,
// asks its model through the provider's package, tells the client of each message, and keeps a completion
// until it is acknowledged. Arguments: the provider's address, and the file of its database.
import type { LanguageModelV3Message } from "@ai-sdk/provider";
import { createMessageConnection } from "vscode-jsonrpc/node";
import { type LeastMessage, LeastStore, newId } from "./leastStore.js";
import { bashTool, carriedOut, packageModel, replyOf } from "./packageReply.js";

const model = await packageModel(String(process.argv[2]));
const store = new LeastStore(String(process.argv[3]));
const tools = [bashTool()];
const conversations = new Map<string, LanguageModelV3Message[]>();
const connection = createMessageConnection(process.stdin, process.stdout);
const tell = (method: string, params: object) => void connection.sendNotification(method, params);

connection.onRequest("initialize", (params: unknown) => ({ echo: params }));
connection.onRequest("prompt", async (params: { session: string; prompt: string }) => {
  const { session, prompt } = params;
  if (!conversations.has(session)) {
    conversations.set(session, []);
    store.begin(session);
  }
  const said = { id: newId(), session, role: "user", parts: textParts(prompt) };
  const run = await store.accept(said);
  tell("sessionUpdated", { session, isBusy: true });
  tell("messageCreated", { run, message: said });
  void turn(session, run, prompt);
  return { run };
});
connection.onNotification("acknowledge", ({ id }: { id: string }) => store.acknowledge(id));

const textParts = (text: string) => JSON.stringify([{ type: "text", text }]);

/** A message of a turn, which a client is told of and can read. */
function create(message: LeastMessage): LeastMessage {
  store.insert(message);
  tell("messageCreated", { message });
  return message;
}

async function turn(session: string, run: number, prompt: string): Promise<void> {
  const messages = conversations.get(session) ?? [];
  messages.push({ role: "user", content: [{ type: "text", text: prompt }] });
  for (;;) {
    const reply = replyOf(model, messages, tools);
    const empty = { id: newId(), session, run, role: "assistant", parts: "[]" };
    let text = "";
    let next = await reply.next();
    const message = create(empty);
    for (; !next.done; next = await reply.next()) {
      tell("messageDelta", { message: message.id, offset: text.length, delta: next.value });
      text += next.value;
    }
    if (next.value === undefined) {
      messages.push({ role: "assistant", content: [{ type: "text", text }] });
      await end({ ...message, parts: textParts(text) }, text);
      return;
    }
    const call = next.value;
    const parts = (state: string) => JSON.stringify([{ ...call, state }]);
    store.update(message.id, parts("running"));
    tell("messageUpdated", { message: { ...message, parts: parts("running") } });
    const told = await carriedOut(call);
    messages.push(...told);
    store.update(message.id, parts("completed"));
    tell("messageUpdated", { message: { ...message, parts: parts("completed") } });
    create({ id: newId(), session, run, role: "tool", parts: JSON.stringify(told.at(-1)) });
  }
}

async function end(last: LeastMessage, text: string): Promise<void> {
  const { session, run } = last;
  const completion = { id: newId(), session, run, text, status: "succeeded" };
  await store.end(last, { id: completion.id, body: JSON.stringify(completion) });
  tell("messageUpdated", { message: last });
  tell("sessionUpdated", { session, isBusy: false });
  tell("done", completion);
}

connection.listen();
connection.onClose(() => process.exit(0));
