// A session goes from every type of provider to every other, with tools, thoughts and an image in its
// history. What is sent is what a strict provider takes.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Provider } from "../../src/config/types.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { answerOf, type WireFormat, wireFormats } from "../helpers/wireFormats.js";

type Type = WireFormat["type"];

/** What each type has signed, as it is stored. */
const signed: Readonly<Record<Type, Record<string, Record<string, unknown>>>> = {
  anthropic: { anthropic: { signature: "signed-by-anthropic" } },
  openai: { openai: { itemId: "rs_openai", reasoningEncryptedContent: "signed-by-openai" } },
  google: { google: { thoughtSignature: "signed-by-google" } },
  "openai-compatible": {
    openaiCompatible: {
      reasoningDetails: [{ type: "reasoning.encrypted", data: "signed-by-openai-compatible" }],
    },
  },
  azure: { azure: { itemId: "rs_openai", reasoningEncryptedContent: "signed-by-azure" } },
  bedrock: { bedrock: { signature: "signed-by-bedrock" } },
  vertex: { vertex: { thoughtSignature: "signed-by-vertex" } },
};
const oddIds = ["functions.add:0", `call_${"x".repeat(80)}`, "plain_1", "functions add:0", "é"];
const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ", "base64");

/** A history that a model of this provider wrote. */
function historyOf(type: Type, provider: string, model: string): HistoryMessage[] {
  const maker = { provider, model };
  return [
    {
      id: "m1",
      role: "user",
      attachmentData: new Map([[1, png]]),
      parts: [
        { type: "text", text: "Look." },
        { type: "attachment", name: "a.png", mimeType: "image/png", size: png.length },
      ],
    },
    { id: "m2", role: "user", parts: [{ type: "text", text: "Please." }] },
    {
      id: "m3",
      role: "assistant",
      ...maker,
      parts: [
        { type: "reasoning", text: "secret thought", providerMetadata: signed[type] },
        { type: "text", text: "I look. \n" },
        ...oddIds.map((toolCallId) => ({
          type: "toolCall" as const,
          toolCallId,
          name: "echo",
          input: { text: "x" },
          state: "completed" as const,
          providerMetadata: signed[type],
        })),
      ],
    },
    {
      id: "m4",
      role: "tool",
      parts: oddIds.map((toolCallId) => ({
        type: "toolResult" as const,
        toolCallId,
        name: "echo",
        output: "echo x",
        isError: false,
      })),
    },
    { id: "m5", role: "assistant", ...maker, parts: [{ type: "text", text: "Seen. \n" }] },
  ];
}

const chat = z.object({
  messages: z.array(
    z.looseObject({
      role: z.string(),
      content: z.unknown(),
      tool_calls: z.array(z.object({ id: z.string() })).optional(),
      tool_call_id: z.string().optional(),
    }),
  ),
});

/** The ids of calls and of results in a request, in order, and what a strict template would refuse. */
function callsIn(type: Type, body: string): { calls: string[]; results: string[] } {
  const pick = (pattern: RegExp) => [...body.matchAll(pattern)].map((found) => found[1] ?? "");
  if (type === "anthropic") {
    return {
      calls: pick(/"type":"tool_use","id":"([^"]*)"/g),
      results: pick(/"tool_use_id":"([^"]*)"/g),
    };
  }
  if (type === "bedrock") {
    return {
      calls: pick(/"toolUse":\{"toolUseId":"([^"]*)"/g),
      results: pick(/"toolResult":\{"toolUseId":"([^"]*)"/g),
    };
  }
  if (type === "openai" || type === "azure") {
    return {
      calls: pick(/"type":"function_call","call_id":"([^"]*)"/g),
      results: pick(/"type":"function_call_output","call_id":"([^"]*)"/g),
    };
  }
  if (type === "google" || type === "vertex") return { calls: [], results: [] };
  const { messages } = chat.parse(JSON.parse(body));
  for (const [index, { role, content }] of messages.entries()) {
    if (role === "user") expect(messages[index - 1]?.role).not.toBe("user");
    if (role === "assistant") expect(content === "" || content === undefined).toBe(false);
  }
  return {
    calls: messages.flatMap(({ tool_calls }) => (tool_calls ?? []).map(({ id }) => id)),
    results: messages.flatMap(({ tool_call_id }) => tool_call_id ?? []),
  };
}

/** Bedrock's package leaves calls out of a request without tools. */
const echo = textTool("echo", (said) => ({ output: said }));

let server: RawProvider;
beforeEach(async () => {
  server = await RawProvider.start();
});
afterEach(() => server.close());

async function send(to: WireFormat, id: string, modelId: string, history: HistoryMessage[]) {
  server.usual = answerOf(to, { text: ["Done."] });
  const info = {
    id: modelId,
    provider: id,
    name: "M",
    canReason: true,
    supportsImages: true,
  };
  const provider: Provider = {
    id,
    type: to.type,
    headers: {},
    models: [info],
    baseUrl: `${server.origin}${to.path}`,
    apiKey: "key-0123456789",
    ...to.account,
  };
  const model = await createLanguageModel(provider, info);
  const outcome = await new TestTurn().run(model, { history, tools: [echo] }, info);
  expect(outcome).toMatchObject({ status: "succeeded", text: "Done." });
  return server.requests.at(-1)?.body ?? "";
}

const pairs = wireFormats.flatMap((from) => wireFormats.map((to) => ({ from, to })));

describe.each(pairs)("from type $from.type to type $to.type", ({ from, to }) => {
  it("sends what a strict provider takes, and nothing that was signed for another", async () => {
    const body = await send(to, "new", "new-1", historyOf(from.type, "old", "old-1"));
    expect(body).not.toMatch(/signed-by-|secret thought|rs_openai/);
    expect(body).toContain(png.toString("base64"));
    expect(body).toContain("I look.");
    if (/anthropic|bedrock/.test(to.type)) expect(body).not.toContain("Seen. ");
    const { calls, results } = callsIn(to.type, body);
    expect(results).toEqual(calls);
    expect(new Set(calls).size).toBe(calls.length);
    for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
    if (to.type !== "google" && to.type !== "vertex") expect(calls).toHaveLength(oddIds.length);
  });
});

describe.each(wireFormats)("within one provider of type $type", (format) => {
  it("gives signed data back to its maker, and to no model of another family", async () => {
    const own = await send(format, "same", "kind-2", historyOf(format.type, "same", "kind-1"));
    // Behind chat completions thoughts go back within their turn alone.
    if (format.type !== "openai-compatible") expect(own).toContain(`signed-by-${format.type}`);
    const other = await send(format, "same", "other-1", historyOf(format.type, "same", "kind-1"));
    expect(other).not.toMatch(/signed-by-|rs_openai/);
  });
});

it("an id goes back as it came to who made it, behind chat completions", async () => {
  const format = wireFormats.find(({ type }) => type === "openai-compatible");
  if (format === undefined) throw new Error("no such format");
  const history = historyOf("openai-compatible", "same", "kind-1");
  const { calls } = callsIn(format.type, await send(format, "same", "kind-1", history));
  expect(calls).toEqual(oddIds);
});
