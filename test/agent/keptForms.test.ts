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
import { defined } from "../../src/base/defined.js";
import type { ModelSwitches, Provider } from "../../src/config/types.js";
import { storedHistory } from "../../src/coordinator/storedHistory.js";
import type { Circumstances, HistoryMessage } from "../../src/engine/engine.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { Database } from "../../src/storage/database.js";
import { MessageHistory } from "../../src/storage/messageHistory.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import type { SessionStore } from "../../src/storage/sessionStore.js";
import { fakeInfo } from "../helpers/agentTurn.js";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";

const types = ["openai-compatible", "anthropic", "openai", "google"] as const;
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "base64");
const sink = { warn: () => {}, refused: () => {} };

const switches: readonly ModelSwitches[] = [
  { reasoningHistory: "turn" },
  { reasoningHistory: "none", systemRole: "user" },
  { tools: false },
];
const modelCount = types.length + switches.length;

type Chosen = { readonly model: LanguageModelV3; readonly info: typeof fakeInfo };
let models: readonly Chosen[];
let body: unknown;
let folder: ReturnType<typeof temporaryFolder>;
let database: Database;

beforeAll(async () => {
  const plain = types.map((type) => ({ type, own: {} }));
  const switched = switches.map((own) => ({ type: types[0], own }));
  const made = [...plain, ...switched].map(async ({ type, own }) => {
    const given = { headers: {}, models: [] } as Pick<Provider, "headers" | "models">;
    const address = { baseUrl: "http://127.0.0.1:1/v1", apiKey: "k" };
    const provider = {
      ...given,
      id: type,
      type,
      ...address,
      switches: new Map([[fakeInfo.id, own]]),
    };
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
function historyIn(stored: MessageHistory, sessionId: string, summaryMessageId?: string) {
  const sessions = { text: () => summaryMessageId } as unknown as SessionStore;
  const messages = new MessageStore(database);
  return storedHistory({ workspaceId: "w", database, sessions, messages }, sessionId, stored);
}

/** The body of a turn's request, and what its messages are estimated at. */
async function sent(
  history: readonly HistoryMessage[],
  { model, info }: Chosen,
  { systemPrompt, own }: Turn,
) {
  const conversation = new Conversation(history);
  conversation.add({ id: "own", role: "user", parts: [{ type: "text", text: "go on" }] });
  for (const { circumstances: told, ...one } of own) {
    conversation.add({ id: "own", ...one, ...defined({ circumstances: told }) } as HistoryMessage);
  }
  const chosen = { info, selected: {}, load: async () => model } as never;
  const room = new ContextRoom({ model: chosen, systemPrompt, tools: [] }, conversation);
  const estimates = [room.fill.tokens, room.fill.tokens];
  const attachments = new AttachmentUse(info, sink);
  const { prompt, turnStart } = modelPrompt({
    systemPrompt,
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
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("turn" as const),
      model: fc.nat(modelCount - 1),
      systemPrompt: fc.constantFrom("sys", "sys", "sys", "other", ""),
      own: fc.array(message, { maxLength: 2 }),
    }),
  },
);

/** What else is sent in a turn. */
interface Turn {
  readonly systemPrompt: string;
  readonly own: readonly Stored[];
}

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
    const server = new MessageHistory(database);
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 24, size: "max" }),
      async (steps) => {
        const session = new Session(`s${++count}`);
        const last = { kind: "turn" as const, model: 0, systemPrompt: "sys", own: [] };
        for (const one of [...steps, last]) {
          if (one.kind === "add") session.add(one.message as Stored);
          else if (one.kind === "edit") session.edit(one.at, one.message as Stored);
          else if (one.kind === "rewind") session.rewind(one.at);
          else if (one.kind === "compact") {
            session.add({ role: "assistant", parts: [{ type: "text", text: one.text }] }, true);
          } else {
            const chosen = models[one.model] as Chosen;
            const { id, summary } = session;
            const turn = one as Turn;
            const anew = historyIn(new MessageHistory(database), id, summary);
            const wanted = await sent(anew, chosen, turn);
            // Twice: a turn makes several calls.
            for (let call = 0; call < 2; call++) {
              expect(await sent(historyIn(server, id, summary), chosen, turn)).toEqual(wanted);
            }
          }
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it("is used again for the very same messages, and counted once", () => {
    const session = new Session("s");
    const server = new MessageHistory(database);
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

  it("makes the same prompt of whichever messages, wherever the turn begins", () => {
    const call = fc.record({
      length: fc.nat(10),
      turnStart: fc.nat(10),
      edited: fc.option(fc.tuple(fc.nat(9), message), { freq: 8 }),
      use: fc.constantFrom("taken" as const, "none" as const),
    });
    const inSession = (stored: Stored, at: number) =>
      ({
        id: `m${at}`,
        attachmentData: hasAttachment(stored),
        ...stored,
      }) as unknown as HistoryMessage;
    const property = fc.property(
      fc.array(message, { maxLength: 9 }),
      fc.option(text),
      fc.array(call, { minLength: 2, maxLength: 12 }),
      (stored, summary, calls) => {
        const past = new KeptForms();
        const session = stored.map((one, at) => inSession(one as Stored, at));
        for (const { length, turnStart, edited, use } of calls) {
          const [at = 0, other] = edited ?? [];
          const messages = session.slice(0, length);
          if (other !== undefined && at < messages.length) {
            messages[at] = inSession(other as Stored, at);
          }
          const parts: Part[] = [{ type: "text", text: summary ?? "" }];
          // A summary is read anew each time.
          if (summary !== null) {
            messages.unshift({ id: "s", role: "assistant", parts, isSummary: true });
          }
          const start = Math.min(turnStart, messages.length);
          const input = { systemPrompt: "s", messages, turnStart: start, imageUse: () => use };
          const kept = { past, own: new KeptForms() };
          const made = modelPrompt({ ...input, kept });
          frozen(made);
          expect(made).toEqual(modelPrompt(input));
        }
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it("has the same instructions and the same summary again, as long as they say the same", () => {
    const past = new KeptForms();
    const heads = (systemPrompt: string, summary: string, more: readonly HistoryMessage[] = []) => {
      const parts: Part[] = [{ type: "text", text: summary }];
      const first: HistoryMessage = { id: "s", role: "assistant", parts, isSummary: true };
      const messages = [first, ...more];
      const kept = { past, own: new KeptForms() };
      const imageUse = () => "none" as const;
      return modelPrompt({ systemPrompt, messages, turnStart: 1, kept, imageUse }).prompt;
    };
    const said: HistoryMessage = { id: "m", role: "user", parts: [{ type: "text", text: "go" }] };
    const [system, summary] = heads("sys", "sum", [said]);
    const [system2, summary2] = heads("sys", "sum", [said]);
    expect(system2).toBe(system);
    expect(summary2).toBe(summary);
    const [system3, summary3] = heads("other", "all", [said]);
    expect(JSON.stringify([system3, summary3])).toContain("other");
    expect(JSON.stringify([system3, summary3])).toContain("all");
    // It tells to go on where nothing comes behind it.
    expect(heads("other", "all")[1]).not.toEqual(summary3);
  });
});

/** Only what has an attachment has its data. */
function hasAttachment({ parts }: Stored): Map<number, Uint8Array> | undefined {
  const data = parts.flatMap(({ type }, at) => (type === "attachment" ? [[at, png] as const] : []));
  return data.length === 0 ? undefined : new Map(data);
}
