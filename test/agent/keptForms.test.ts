// What a server keeps of a session between its turns changes no byte of what it sends.
import { join } from "node:path";
import type { LanguageModelV3 } from "@ai-sdk/provider";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { AttachmentUse } from "../../src/agent/attachmentUse.js";
import { callOptions } from "../../src/agent/callOptions.js";
import { ContextRoom } from "../../src/agent/contextRoom.js";
import { Conversation } from "../../src/agent/conversation.js";
import { KeptForms, keptForms } from "../../src/agent/keptForms.js";
import { modelPrompt } from "../../src/agent/modelPrompt.js";
import { messageTokens } from "../../src/agent/tokenEstimate.js";
import type { Provider } from "../../src/config/types.js";
import { storedHistory } from "../../src/coordinator/storedHistory.js";
import type { Circumstances, HistoryMessage } from "../../src/engine/engine.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { Database } from "../../src/storage/database.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import type { SessionStore } from "../../src/storage/sessionStore.js";
import { fakeInfo } from "../helpers/agentTurn.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

const types = ["openai-compatible", "anthropic", "openai", "google"] as const;
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "base64");
const sink = { warn: () => {}, refused: () => {} };

type Chosen = { readonly model: LanguageModelV3; readonly info: typeof fakeInfo };
let models: readonly Chosen[];
let body: unknown;
let folder: ReturnType<typeof temporaryFolder>;
let database: Database;

beforeAll(async () => {
  const made = types.map(async (type) => {
    const given = { headers: {}, models: [] } as Pick<Provider, "headers" | "models">;
    const provider = { ...given, id: type, type, baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    const info = { ...fakeInfo, provider: type, supportsImages: type !== "openai" };
    return { info, model: await createLanguageModel(provider, info) };
  });
  models = await Promise.all(made);
});
beforeEach(() => {
  folder = temporaryFolder();
  database = Database.open(join(folder.path, "turnwire.db"));
  vi.stubGlobal("fetch", async (_: unknown, init: RequestInit) => {
    ({ body } = init);
    return new Response("", { status: 400 });
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  database.close();
  folder.remove();
});

/** The messages of a session for its next turn, as a store reads them. */
function historyIn(messages: MessageStore, sessionId: string, summaryMessageId?: string) {
  const sessions = { find: () => ({ summaryMessageId }) } as unknown as SessionStore;
  return storedHistory({ workspaceId: "w", sessions, messages }, sessionId);
}

/** The body of a turn's request, and what its messages are estimated at. */
async function sent(history: readonly HistoryMessage[], { model, info }: Chosen) {
  const conversation = new Conversation(history);
  conversation.add({ id: "own", role: "user", parts: [{ type: "text", text: "go on" }] });
  const chosen = { info, selected: {}, load: async () => model } as never;
  const room = new ContextRoom({ model: chosen, systemPrompt: "sys", tools: [] }, conversation);
  const estimates = [room.fill.tokens, room.fill.tokens];
  const attachments = new AttachmentUse(info, sink);
  const { prompt, turnStart } = modelPrompt({
    systemPrompt: "sys",
    messages: conversation.messages,
    turnStart: conversation.turnStart,
    imageUse: attachments.inPrompt(conversation.messages),
    kept: conversation.kept,
  });
  // Nobody may change what is kept for the next time.
  frozen(prompt);
  body = undefined;
  const options = callOptions(chosen, prompt, { purpose: "turn", turnStart });
  await expect(model.doStream(options)).rejects.toThrow();
  if (typeof body !== "string") throw new Error("nothing was sent");
  return { body, estimates };
}

function frozen(value: unknown): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen(inner);
}

const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom(" ", "\ud800", "half \udc00"));
const callId = fc.constantFrom("a", "b", "odd id", "x".repeat(50));
const said: fc.Arbitrary<Part> = fc.oneof(
  text.map((one): Part => ({ type: "text", text: one })),
  text.map(
    (one): Part => ({
      type: "reasoning",
      text: one,
      providerMetadata: { anthropic: { signature: "s" } },
    }),
  ),
  fc.record({
    type: fc.constant("toolCall" as const),
    toolCallId: callId,
    name: fc.constantFrom("read", "no such name"),
    input: fc.constantFrom<unknown>({ path: "a" }, "broken {", { "\ud800": 1 }),
    state: fc.constant("completed" as const),
  }),
  fc.constant<Part>({ type: "finish", reason: "endTurn" }),
);
const attachment: Part = { type: "attachment", name: "f", mimeType: "image/png", size: 1 };
const asked: fc.Arbitrary<Part> = fc.oneof(
  { weight: 4, arbitrary: text.map((one): Part => ({ type: "text", text: one })) },
  { weight: 1, arbitrary: fc.constant(attachment) },
);
const given: fc.Arbitrary<Part> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("toolResult" as const),
      toolCallId: callId,
      name: fc.constant("read"),
      output: text,
      isError: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant(attachment) },
);
const circumstances = fc.option(
  fc.record({ surroundings: fc.constantFrom("here", "there") }, { requiredKeys: [] }),
  { nil: undefined },
);
const maker = fc.constantFrom(...types);
const message = fc.oneof(
  fc.record({ role: fc.constant("user"), parts: fc.array(asked, { maxLength: 3 }), circumstances }),
  fc.record({
    role: fc.constant("assistant"),
    parts: fc.array(said, { maxLength: 4 }),
    provider: maker,
  }),
  fc.record({ role: fc.constant("tool"), parts: fc.array(given, { maxLength: 3 }) }),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("add" as const), message }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("edit" as const), at: fc.nat(9), message }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rewind" as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), text }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("turn" as const), model: fc.nat(3) }) },
);

interface Stored {
  readonly role: string;
  readonly parts: readonly Part[];
  readonly provider?: string;
  readonly circumstances?: Circumstances | undefined;
}

/** A session in the file. */
class Session {
  readonly #store = new MessageStore(database);
  readonly #ids: string[] = [];
  #count = 0;
  summary: string | undefined;

  constructor(readonly id: string) {}

  add({ role, parts, provider, circumstances: told }: Stored, isSummary = false): void {
    const id = `${this.id} ${++this.#count}`;
    this.#ids.push(id);
    const maker = { provider, model: provider && "m-1" };
    const row = { id, sessionId: this.id, run: this.#count, role, isSummary, createdAt: 1 };
    const attached = parts.flatMap((part, index) =>
      part.type === "attachment" ? [[index, png] as const] : [],
    );
    this.#store.insert(
      {
        ...row,
        ...maker,
        parts: JSON.stringify(parts),
        circumstances: told && JSON.stringify(told),
      } as never,
      new Map(attached),
    );
    if (isSummary) this.summary = id;
  }

  edit(at: number, { parts }: Stored): void {
    const id = this.#ids[at % Math.max(1, this.#ids.length)];
    if (id !== undefined) this.#store.update(id, JSON.stringify(parts), 2 + ++this.#count);
  }

  rewind(to: number): void {
    for (const id of this.#ids.splice(to)) {
      database.prepare("DELETE FROM messages WHERE id = ?").run(id);
      if (id === this.summary) this.summary = undefined;
    }
  }
}

describe("what is kept of a session between its turns", () => {
  it("changes no byte of a request and no estimate, whatever has happened to the session", async () => {
    let count = 0;
    const server = new MessageStore(database);
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 24, size: "max" }),
      async (steps) => {
        const session = new Session(`s${++count}`);
        for (const one of [...steps, { kind: "turn" as const, model: 0 }]) {
          if (one.kind === "add") session.add(one.message as Stored);
          else if (one.kind === "edit") session.edit(one.at, one.message as Stored);
          else if (one.kind === "rewind") session.rewind(one.at);
          else if (one.kind === "compact") {
            session.add({ role: "assistant", parts: [{ type: "text", text: one.text }] }, true);
          } else {
            const chosen = models[one.model] as Chosen;
            const { id, summary } = session;
            const kept = await sent(historyIn(server, id, summary), chosen);
            const anew = await sent(historyIn(new MessageStore(database), id, summary), chosen);
            expect(kept).toEqual(anew);
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it("is used again for the very same messages, and counted once", () => {
    const session = new Session("s");
    const server = new MessageStore(database);
    const call: Part = {
      type: "toolCall",
      toolCallId: "a",
      name: "r",
      input: {},
      state: "completed",
    };
    const output = {
      type: "toolResult",
      toolCallId: "a",
      name: "r",
      output: "o",
      isError: false,
    } as const;
    session.add({ role: "user", parts: [{ type: "text", text: "one" }] });
    session.add({ role: "assistant", parts: [call] });
    session.add({ role: "tool", parts: [output] });
    session.add({ role: "user", parts: [attachment] });
    session.add({ role: "assistant", parts: [{ type: "text", text: "two" }] });
    const imageUse = () => "taken" as const;
    const built = () => {
      const { messages, turnStart, kept } = new Conversation(historyIn(server, "s"));
      return modelPrompt({ systemPrompt: "", messages, turnStart, kept, imageUse }).prompt;
    };
    const first = built();
    session.add({ role: "user", parts: [{ type: "text", text: "three" }] });
    const second = built();
    expect(second.map((one, index) => one === first[index])).toEqual([
      true,
      true,
      true,
      false,
      true,
      false,
    ]);
    const history = historyIn(server, "s");
    const counted = history.map((one, at) => {
      const count = vi.fn(messageTokens);
      for (const images of [true, false, true, false]) {
        keptForms(history).tokens(at, one, images, count);
      }
      return count.mock.calls.length;
    });
    // The bytes of an attachment are not kept.
    expect(counted).toEqual([2, 2, 2, 4, 2, 2]);
  });

  it("is made anew where what is told with a message has changed", () => {
    const kept = { past: new KeptForms(), own: new KeptForms() };
    const said = (surroundings: string): HistoryMessage => ({
      id: "m",
      role: "user",
      parts: [{ type: "text", text: "go" }],
      circumstances: { surroundings },
    });
    const second = said("here");
    const built = (first: HistoryMessage) => {
      const input = { systemPrompt: "", turnStart: 2, imageUse: () => "none" as const };
      return modelPrompt({ ...input, messages: [first, second], kept }).prompt[1]?.content.length;
    };
    expect([built(said("here")), built(said("there")), built(said("here"))]).toEqual([1, 2, 1]);
  });
});
