// Any server that speaks OpenAI's chat completions: local ones, and most hosted ones.

import type {
  LanguageModelV3,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3StreamPart,
  LanguageModelV3ToolCallPart,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { mapChanged } from "../base/mapChanged.js";
import type { ModelSwitches, Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { readNote } from "./callNote.js";
import { chatBody } from "./chatBody.js";
import { chatEvents } from "./chatEvents.js";
import type { AdaptedModel } from "./configuredModel.js";
import { KeptBeginnings } from "./keptBeginnings.js";
import { mappedStream } from "./mappedStream.js";
import { providerFetch } from "./providerFetch.js";
import { DetailedCalls, detailsReader, withDetailsBack } from "./reasoningDetails.js";
import { ThinkTags } from "./thinkTags.js";

/** The usual address of a local server; a configuration names its own. */
const baseUrl = "http://127.0.0.1:11434/v1";
/**
 * The package reads options and writes metadata under this name. A fixed name stays valid when the
 * user renames the provider.
 */
const name = "openaiCompatible";

/** A model behind a `baseUrl`. */
export async function openaiCompatibleModel(
  provider: Provider,
  info: ModelInfo,
): Promise<AdaptedModel> {
  const switches = provider.switches?.get(info.id) ?? {};
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const compatible = createOpenAICompatible({
    name,
    baseURL: provider.baseUrl ?? baseUrl,
    headers: provider.headers,
    includeUsage: switches.streamUsage !== false,
    transformRequestBody: (body) => chatBody(body, switches),
    fetch: providerFetch(provider, { rules: chatEvents }),
    metadataExtractor: detailsReader,
    ...defined({ apiKey: provider.apiKey }),
  });
  return {
    model: understood(compatible.chatModel(info.id)),
    baseUrl,
    adapt: adapter(switches),
  };
}

/**
 * Adds to the package's model what the package does not read: tagged thoughts, and reasoning
 * details.
 */
function understood(model: LanguageModelV3): LanguageModelV3 {
  return {
    specificationVersion: "v3",
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doGenerate: (options) => model.doGenerate(options),
    async doStream(options) {
      const { stream, ...rest } = await model.doStream(options);
      const calls = new DetailedCalls();
      const tags = new ThinkTags();
      const next = function* (part: LanguageModelV3StreamPart) {
        for (const one of calls.next(part)) yield* tags.next(one);
      };
      return { ...rest, stream: mappedStream(stream, { next }) };
    },
  };
}

type UserMessage = Extract<LanguageModelV3Message, { role: "user" }>;

/** Translates the calls of one model. */
function adapter({ systemRole, reasoningHistory = "all" }: ModelSwitches): AdaptedModel["adapt"] {
  const form: PromptForm = { isSystemOfUser: systemRole === "user", reasoningHistory };
  return (options) => {
    const { reasoningEffort, turnStart } = readNote(options);
    return {
      ...options,
      prompt: adaptPrompt(options.prompt, form, turnStart),
      providerOptions: { [name]: reasoningEffort === undefined ? {} : { reasoningEffort } },
    };
  };
}

/** How a prompt is sent. */
interface PromptForm {
  /** Whose reasoning is sent back: that of all messages, of the present turn, or of none. */
  readonly reasoningHistory: NonNullable<ModelSwitches["reasoningHistory"]>;
  /** Whether the system prompt becomes the beginning of the first user message. */
  readonly isSystemOfUser: boolean;
}

const kept = new KeptBeginnings<UserMerging>();

/**
 * Reasoning is sent back in every turn: models that think between tool calls need it, and a message that
 * loses it after its turn makes the provider read everything again from there on.
 */
function adaptPrompt(
  prompt: LanguageModelV3Prompt,
  form: PromptForm,
  turnStart: number | undefined,
): LanguageModelV3Prompt {
  const past = turnStart ?? 0;
  const { reasoningHistory } = form;
  const { messages, state } = kept.of(prompt, past, form, () => new UserMerging());
  for (const message of prompt.slice(messages.length, past)) {
    state.add(adapted(message, form, reasoningHistory === "all"));
    messages.push(message);
  }
  // What is said in this turn comes back as other objects in the next one.
  const whole = new UserMerging(state);
  for (const message of prompt.slice(past)) {
    whole.add(adapted(message, form, reasoningHistory !== "none"));
  }
  return whole.end();
}

function adapted(
  whole: LanguageModelV3Message,
  { isSystemOfUser }: PromptForm,
  isThoughtSent: boolean,
): LanguageModelV3Message {
  if (whole.role === "system" && isSystemOfUser) {
    return { role: "user", content: [{ type: "text", text: whole.content }] };
  }
  if (whole.role !== "assistant") return whole;
  const message = isThoughtSent ? withDetailsBack(whole) : whole;
  if (message.role !== "assistant") return message;
  const sent = isThoughtSent
    ? message.content
    : message.content.filter((part) => part.type !== "reasoning");
  const content = mapChanged(sent, (part) =>
    part.type === "tool-call" ? withSignature(part) : part,
  );
  return content === message.content ? message : { ...message, content };
}

/** Many chat templates refuse two user messages in a row, and empty messages. */
class UserMerging {
  readonly #merged: LanguageModelV3Message[];
  /** The last one, which the next one may join. */
  #open: LanguageModelV3Message | undefined;

  /** @param before the messages so far; it stays as it is. */
  constructor(before?: UserMerging) {
    this.#merged = before === undefined ? [] : before.#merged.slice();
    this.#open = before === undefined ? undefined : before.#open;
  }

  add(message: LanguageModelV3Message): void {
    if (message.role === "assistant" && message.content.length === 0) return;
    const last = this.#open;
    if (message.role === "user" && last?.role === "user") {
      this.#open = { ...last, content: [...last.content, ...message.content] };
      return;
    }
    this.end();
    this.#open = message;
  }

  /** All messages; nothing joins the last one any more. */
  end(): LanguageModelV3Prompt {
    const last = this.#open;
    if (last !== undefined) this.#merged.push(last.role === "user" ? withJoinedText(last) : last);
    this.#open = undefined;
    return this.#merged;
  }
}

/** A message with only text is sent as text: many servers do not take a list of parts. */
function withJoinedText(message: UserMessage): UserMessage {
  if (message.content.length < 2) return message;
  const texts = message.content.map((part) => (part.type === "text" ? part.text : undefined));
  if (texts.includes(undefined)) return message;
  return { ...message, content: [{ type: "text", text: texts.join("\n\n") }] };
}

/** The package writes a Gemini signature under its own name, and reads it under Google's. */
function withSignature(part: LanguageModelV3ToolCallPart): LanguageModelV3ToolCallPart {
  if (part.providerOptions === undefined) return part;
  const thoughtSignature = part.providerOptions[name]?.thoughtSignature;
  const { providerOptions: _, ...rest } = part;
  if (typeof thoughtSignature !== "string") return rest;
  return { ...rest, providerOptions: { google: { thoughtSignature } } };
}
