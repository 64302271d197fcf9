// Prepares a session's messages for another model than the one that wrote them. Ids of tool calls
// are written so that the provider accepts them. Data that another provider has signed or encrypted
// is left out.
import { createHash } from "node:crypto";
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider";
import { mapChanged } from "../base/mapChanged.js";
import type { ProviderType } from "../config/types.js";
import { type Maker, makerOf } from "./callNote.js";
import { KeptBeginnings } from "./keptBeginnings.js";

type AssistantMessage = Extract<LanguageModelV3Message, { role: "assistant" }>;

const idLength = 40;
/** An id that every provider accepts: short, and only these characters. */
const plainId = /^[a-zA-Z0-9_-]{1,40}$/;

/** Messages for a reader, and the ids of the calls in them. */
interface Across {
  readonly made: LanguageModelV3Message[];
  readonly ids: CallIds;
}

const kept = new KeptBeginnings<Across>();

/**
 * The prompt for a model that has not written all of its messages.
 *
 * @param reader the model that is called; what is made for it is kept only for the same object.
 * @param past how many messages at the beginning are those of earlier turns.
 */
export function acrossModels(
  prompt: LanguageModelV3Prompt,
  reader: Maker,
  type: ProviderType,
  past = 0,
): LanguageModelV3Prompt {
  const { messages, state } = kept.of(prompt, past, reader, () => ({
    made: [],
    ids: new CallIds(type),
  }));
  for (const message of prompt.slice(messages.length, past)) {
    state.made.push(across(message, reader, state.ids));
    messages.push(message);
  }
  // What is said in this turn comes back as other objects in the next one.
  const ids = new CallIds(type, state.ids);
  return state.made.concat(prompt.slice(past).map((message) => across(message, reader, ids)));
}

function across(
  message: LanguageModelV3Message,
  reader: Maker,
  ids: CallIds,
): LanguageModelV3Message {
  if (message.role === "assistant") return asReadBy(message, reader, ids);
  if (message.role !== "tool") return message;
  const content = mapChanged(message.content, (part) => {
    if (part.type !== "tool-result") return part;
    return withId(part, ids.of(part.toolCallId));
  });
  return content === message.content ? message : { ...message, content };
}

function asReadBy(message: AssistantMessage, reader: Maker, ids: CallIds): AssistantMessage {
  const maker = makerOf(message);
  const isOwn = maker === undefined || isFamily(maker, reader);
  const readable = isOwn ? message.content : readableByOthers(message.content);
  const content = mapChanged(readable, (part) =>
    part.type === "tool-call" ? withId(part, ids.of(part.toolCallId, isOwn)) : part,
  );
  return content === message.content ? message : { ...message, content };
}

/**
 * Thoughts help only the model that had them. Without a signature, providers refuse them or take them
 * for text.
 */
function readableByOthers(content: AssistantMessage["content"]): AssistantMessage["content"] {
  const readable = content.filter(({ type }) => type !== "reasoning");
  return mapChanged(readable, (part) => {
    if (part.providerOptions === undefined) return part;
    const { providerOptions: _, ...bare } = part;
    return bare;
  });
}

function withId<T extends { readonly toolCallId: string }>(part: T, toolCallId: string): T {
  return part.toolCallId === toolCallId ? part : { ...part, toolCallId };
}

/** Whether each of two models understands what the other one has signed. */
function isFamily(one: Maker, other: Maker): boolean {
  return one.provider === other.provider && familyOf(one.model) === familyOf(other.model);
}

/** The name before its first number: `claude-opus-`, `gpt-`, `gemini-`. */
function familyOf(model: string): string {
  const digit = model.search(/\d/);
  return digit < 0 ? model : model.slice(0, digit);
}

/**
 * The ids under which the calls of a prompt are sent. A call always gets the same id, and two calls
 * never share one.
 */
class CallIds {
  readonly #type: ProviderType;
  readonly #sent: Map<string, string>;

  /** @param before those of earlier messages; they stay as they are. */
  constructor(type: ProviderType, before?: CallIds) {
    this.#type = type;
    this.#sent = new Map(before === undefined ? [] : before.#sent);
  }

  of(id: string, isOwn = true): string {
    if (plainId.test(id)) return id;
    const known = this.#sent.get(id);
    if (known !== undefined) return known;
    // The server behind chat completions made the id itself, and may need it back unchanged.
    const isFree = isOwn && this.#type === "openai-compatible";
    const sent = isFree ? id : plain(id);
    this.#sent.set(id, sent);
    return sent;
  }
}

function plain(id: string): string {
  const hash = createHash("sha256").update(id).digest("hex").slice(0, 12);
  const readable = id.slice(0, idLength).replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  return `${readable.slice(0, idLength - hash.length - 1)}_${hash}`;
}
