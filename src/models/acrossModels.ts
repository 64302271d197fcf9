// A session goes on with another model: ids of tool calls are written so that its provider takes them,
// and what another provider has signed or encrypted stays away from it.
import { createHash } from "node:crypto";
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider";
import type { ProviderType } from "../config/types.js";
import { type Maker, makerOf } from "./callNote.js";

type AssistantMessage = Extract<LanguageModelV3Message, { role: "assistant" }>;

const idLength = 40;
/** Short enough and of the letters that every provider takes. */
const plainId = /^[a-zA-Z0-9_-]{1,40}$/;

/**
 * The prompt as a model may get it that has not written all of it.
 *
 * @param reader the model that is called.
 */
export function acrossModels(
  prompt: LanguageModelV3Prompt,
  reader: Maker,
  type: ProviderType,
): LanguageModelV3Prompt {
  const ids = new CallIds(type);
  return prompt.map((message): LanguageModelV3Message => {
    if (message.role === "assistant") return asReadBy(message, reader, ids);
    if (message.role !== "tool") return message;
    const content = message.content.map((part) =>
      part.type === "tool-result" ? { ...part, toolCallId: ids.of(part.toolCallId) } : part,
    );
    return { ...message, content };
  });
}

function asReadBy(message: AssistantMessage, reader: Maker, ids: CallIds): AssistantMessage {
  const maker = makerOf(message);
  const isOwn = maker === undefined || isFamily(maker, reader);
  const content = message.content
    // Thoughts are of use to who had them; unsigned, they are refused or taken for words.
    .filter((part) => isOwn || part.type !== "reasoning")
    .map((part) => {
      const { providerOptions: _, ...bare } = part;
      const kept: typeof part = isOwn ? part : bare;
      if (kept.type !== "tool-call") return kept;
      return { ...kept, toolCallId: ids.of(kept.toolCallId, isOwn) };
    });
  return { ...message, content };
}

/** Whether two models understand what the other has signed. */
function isFamily(one: Maker, other: Maker): boolean {
  return one.provider === other.provider && familyOf(one.model) === familyOf(other.model);
}

/** The name before its first number: `claude-opus-`, `gpt-`, `gemini-`. */
function familyOf(model: string): string {
  const digit = model.search(/\d/);
  return digit < 0 ? model : model.slice(0, digit);
}

/** The ids under which the calls of a prompt are sent: the same call the same, two never one. */
class CallIds {
  readonly #type: ProviderType;
  readonly #sent = new Map<string, string>();

  constructor(type: ProviderType) {
    this.#type = type;
  }

  of(id: string, isOwn = true): string {
    const known = this.#sent.get(id);
    if (known !== undefined) return known;
    // Behind chat completions is whoever made the id, and may want its own back as it was.
    const isFree = isOwn && this.#type === "openai-compatible";
    const sent = isFree || plainId.test(id) ? id : plain(id);
    this.#sent.set(id, sent);
    return sent;
  }
}

function plain(id: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 12);
  const readable = id.slice(0, idLength).replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  return `${readable.slice(0, idLength - hash.length - 1)}_${hash}`;
}
