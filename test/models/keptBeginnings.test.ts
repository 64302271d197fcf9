// What is kept of a prompt for the next call changes nothing of what a provider's package gets.
import type { LanguageModelV3, LanguageModelV3Message } from "@ai-sdk/provider";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { callOptions } from "../../src/agent/callOptions.js";
import { defined } from "../../src/base/defined.js";
import type { ModelSwitches, Provider } from "../../src/config/types.js";
import { makerMark } from "../../src/models/callNote.js";
import { type ConfiguredModel, configuredModel } from "../../src/models/configuredModel.js";
import { openaiCompatibleModel } from "../../src/models/openaiCompatible.js";
import { fakeInfo } from "../helpers/agentTurn.js";

const switches: readonly ModelSwitches[] = [
  {},
  { reasoningHistory: "turn" },
  { reasoningHistory: "none", systemRole: "user" },
  { tools: false },
];
let models: readonly ConfiguredModel[];
let got: unknown;

beforeAll(async () => {
  const given = { headers: {}, models: [] } as unknown as Pick<Provider, "headers" | "models">;
  const made = switches.map(async (own, index) => {
    const info = { ...fakeInfo, id: `m-${index}` };
    const provider: Provider = {
      ...given,
      id: "p",
      type: "openai-compatible",
      switches: new Map([[info.id, own]]),
    };
    const adapted = await openaiCompatibleModel(provider, info);
    const model = {
      modelId: info.id,
      supportedUrls: {},
      doStream: async (options: unknown) => {
        got = options;
      },
    } as unknown as LanguageModelV3;
    return configuredModel(provider, { ...adapted, model });
  });
  models = await Promise.all(made);
});

const text = fc.record({ type: fc.constant("text" as const), text: fc.string({ maxLength: 3 }) });
const id = fc.constantFrom("a", "odd id", "odder id");
const maker = fc.constantFrom(
  undefined,
  makerMark({ provider: "p", model: "m-1" }),
  makerMark({ provider: "q", model: "other" }),
);
const message = fc.oneof(
  fc.record({ role: fc.constant("user"), content: fc.array(text, { minLength: 1, maxLength: 2 }) }),
  fc.record({
    role: fc.constant("assistant"),
    content: fc.array(
      fc.oneof(
        text,
        fc.record({ type: fc.constant("reasoning"), text: fc.string({ maxLength: 3 }) }),
        fc.record({
          type: fc.constant("tool-call"),
          toolCallId: id,
          toolName: fc.constant("read"),
          input: fc.constant({}),
        }),
      ),
      { maxLength: 3 },
    ),
    providerOptions: maker,
  }),
  fc.record({
    role: fc.constant("tool"),
    content: fc.tuple(
      fc.record({
        type: fc.constant("tool-result"),
        toolCallId: id,
        toolName: fc.constant("read"),
        output: fc.constant({ type: "text", value: "v" }),
      }),
    ),
  }),
) as fc.Arbitrary<LanguageModelV3Message>;
const call = fc.record({
  model: fc.constantFrom(0, 0, 1, 2, 3),
  length: fc.nat(10),
  past: fc.option(fc.nat(10), { nil: undefined }),
  own: fc.array(message, { maxLength: 3 }),
  edited: fc.option(fc.tuple(fc.nat(9), message), { freq: 8 }),
});

/** What the package gets for these messages. */
async function sent(
  prompt: LanguageModelV3Message[],
  { model, past }: { readonly model: number; readonly past: number | undefined },
): Promise<unknown> {
  const note = { purpose: "turn" as const, ...defined({ turnStart: past }) };
  const options = callOptions({ info: fakeInfo, selected: {} } as never, prompt, note);
  await models[model]?.doStream(options);
  return got;
}

function frozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

it("is the same as what is made anew, whichever model is called with whichever messages", async () => {
  const property = fc.asyncProperty(
    fc.array(message, { minLength: 1, maxLength: 9 }),
    fc.boolean(),
    fc.array(call, { minLength: 2, maxLength: 12 }),
    async (messages, hasSystem, calls) => {
      const system: LanguageModelV3Message[] = [{ role: "system", content: "sys" }];
      const session = frozen([...(hasSystem ? system : []), ...messages]);
      for (const { model, length, past, own, edited } of calls) {
        const prompt = session.slice(0, length);
        const [place = 0, other] = edited ?? [];
        if (other !== undefined && place < prompt.length) prompt[place] = other;
        prompt.push(...own);
        const turnStart = past === undefined ? undefined : Math.min(past, prompt.length);
        // Nothing is kept where it is not said where the turn begins.
        const isLike = switches[model]?.reasoningHistory !== "turn";
        const anew = await sent(structuredClone(prompt), {
          model,
          past: isLike ? undefined : turnStart,
        });
        const kept = await sent(frozen(prompt), { model, past: turnStart });
        expect(kept).toEqual(anew);
      }
    },
  );
  await fc.assert(property, { numRuns: 300 });
});
