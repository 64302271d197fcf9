// Makes the prompt of a model from the stored history. The prompt is valid for every stored
// history: every tool call has its result right after it, no message is empty, and all text is
// well-formed.
import type {
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultPart,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import { isNestedDeeper } from "../base/jsonDepth.js";
import { taggedText } from "../base/taggedText.js";
import type { HistoryMessage } from "../engine/engine.js";
import { circumstancesMark, makerMark } from "../models/callNote.js";
import type { Part } from "../protocol/objects/message.js";
import { attachedContent, type ImageUse } from "./attachedContent.js";
import { isLasting, type KeptForms } from "./keptForms.js";
import { providerOptionsOf } from "./providerData.js";
import { ToldCircumstances } from "./toldCircumstances.js";
import { wellFormed, wellFormedJson } from "./wellFormed.js";

/** The input of a prompt. */
export interface ModelPromptInput {
  readonly systemPrompt: string;
  /** The history, from the last summary on, if there is one. */
  readonly messages: readonly HistoryMessage[];
  /** Index of the first of `messages` that belongs to the present turn. */
  readonly turnStart: number;
  /** How the image in a part of a message is handled; if it is not shown, a note replaces it. */
  imageUse(message: HistoryMessage, partIndex: number): ImageUse;
  /** What is kept of the messages before the present turn, and of its own. */
  readonly kept?: { readonly past: KeptForms; readonly own: KeptForms };
}

/** A prompt, and where in it the present turn begins. */
export interface ModelPrompt {
  readonly prompt: LanguageModelV3Prompt;
  readonly turnStart: number;
}

type AssistantMessage = Extract<LanguageModelV3Message, { role: "assistant" }>;
type AssistantContent = AssistantMessage["content"];

/**
 * Builds the prompt, in one pass over what is new of the history. It is made in pieces: a message, and the
 * results of tools right behind it. No piece depends on another one, except by the circumstances that it
 * tells.
 */
export function modelPrompt(input: ModelPromptInput): ModelPrompt {
  const { messages, turnStart, kept } = input;
  const making = new PromptMaking(input);
  if (kept !== undefined) making.begin(kept.past);
  while (making.at < messages.length && making.at < turnStart) making.next(kept?.past, 0);
  const begin = making.prompt.length;
  while (making.at < messages.length) making.next(kept?.own, turnStart);
  return { prompt: making.prompt, turnStart: begin };
}

/** A prompt that is being made. */
class PromptMaking {
  readonly #input: ModelPromptInput;
  #circumstances = new ToldCircumstances();
  prompt: LanguageModelV3Prompt;
  /** Index of the next message. */
  at = 0;

  constructor(input: ModelPromptInput) {
    const { systemPrompt, kept } = input;
    this.#input = input;
    const content = wellFormed(systemPrompt);
    const system: LanguageModelV3Message = { role: "system", content };
    this.prompt = systemPrompt === "" ? [] : [kept?.past.again(0, system) ?? system];
  }

  /** Makes the beginning: the summary, and what is kept, or can be kept, of what comes behind it. */
  begin(past: KeptForms): void {
    const { messages, turnStart } = this.#input;
    while (this.at < turnStart && messages[this.at]?.isSummary) this.next(past, 0);
    const beginning = past.beginning(messages, this.at, turnStart);
    this.prompt = this.prompt.concat(beginning.prompt);
    this.#circumstances = new ToldCircumstances(beginning.circumstances);
    this.at += beginning.messages.length;
    while (this.at < turnStart) {
      const from = this.at;
      const piece = this.next(past, 0);
      const made = messages.slice(from, this.at);
      if (!made.every(isLasting)) return;
      beginning.add(made, piece, this.#circumstances);
    }
  }

  /**
   * Makes the next piece.
   *
   * @param from index of the first of the messages whose forms are kept there.
   */
  next(forms: KeptForms | undefined, from: number): readonly LanguageModelV3Message[] {
    const { messages, turnStart } = this.#input;
    const begin = this.at;
    const end = endOfPiece(messages, begin, turnStart);
    const first = messages[begin];
    const isTelling = first?.role === "user" && first.isSummary !== true;
    const told = isTelling ? this.#circumstances.next(first) : undefined;
    let piece = forms?.prompt(begin - from, messages, [begin, end], told);
    if (piece === undefined) {
      const made = messages.slice(begin, end);
      piece = new PromptPiece(made, this.#input).made(told, end === messages.length);
      if (first?.isSummary && forms !== undefined) {
        piece = piece.map((one) => forms.again(1, one));
      }
      forms?.keep(begin - from, { messages: made, told, prompt: piece });
    }
    for (const message of piece) this.prompt.push(message);
    this.at = end;
    return piece;
  }
}

/** Results that other messages or the beginning of the turn divide from their calls are left out. */
function endOfPiece(messages: readonly HistoryMessage[], from: number, turnStart: number): number {
  let end = from + 1;
  while (end !== turnStart && messages[end]?.role === "tool" && !messages[end]?.isSummary) end++;
  return end;
}

class PromptPiece {
  readonly #messages: readonly HistoryMessage[];
  readonly #imageUse: ModelPromptInput["imageUse"];
  readonly #prompt: LanguageModelV3Message[] = [];
  /** The calls without a result yet, with their tools' names. */
  readonly #waiting = new Map<string, string>();
  readonly #results: LanguageModelV3ToolResultPart[] = [];
  /** What tools have shown: many providers take images from users alone, so they go behind the results. */
  readonly #images: ReturnType<typeof attachedContent>[] = [];

  constructor(
    messages: readonly HistoryMessage[],
    { imageUse }: Pick<ModelPromptInput, "imageUse">,
  ) {
    this.#messages = messages;
    this.#imageUse = imageUse;
  }

  /** @param told the circumstances that are sent with its user's message. */
  made(told: string | undefined, isLast: boolean): readonly LanguageModelV3Message[] {
    for (const message of this.#messages) {
      if (message.isSummary) {
        this.#prompt.push(summaryMessage(message, isLast));
      } else if (message.role === "user") {
        this.#prompt.push(userMessage(message, this.#imageUse, told));
      } else if (message.role === "assistant") {
        this.#addAssistant(message);
      } else {
        for (const part of message.parts) this.#addResult(part);
        this.#addImages(message);
      }
    }
    this.#settle();
    return this.#prompt;
  }

  /** Closes the calls. */
  #settle(): void {
    for (const [toolCallId, toolName] of this.#waiting) {
      const output = { type: "error-text", value: "It has no result: it was cut off." } as const;
      this.#results.push({ type: "tool-result", toolCallId, toolName, output });
    }
    if (this.#results.length > 0) this.#prompt.push({ role: "tool", content: this.#results });
    if (this.#images.length > 0) {
      const text = "The images in the results above, in their order:";
      this.#prompt.push({ role: "user", content: [{ type: "text", text }, ...this.#images] });
    }
  }

  #addAssistant(message: HistoryMessage): void {
    const content = assistantContent(message.parts);
    if (content.length === 0) return;
    const { provider, model } = message;
    const isKnown = provider !== undefined && model !== undefined;
    const providerOptions = isKnown ? makerMark({ provider, model }) : undefined;
    this.#prompt.push({ role: "assistant", content, ...defined({ providerOptions }) });
    for (const part of content) {
      if (part.type === "tool-call") this.#waiting.set(part.toolCallId, part.toolName);
    }
  }

  #addImages(message: HistoryMessage): void {
    const { attachmentData, parts } = message;
    for (const [index, part] of parts.entries()) {
      if (part.type !== "attachment") continue;
      const data = attachmentData?.get(index);
      this.#images.push(attachedContent(part, data, this.#imageUse(message, index)));
    }
  }

  /**
   * A result without its call, or a second result, would make the prompt invalid, so it is left
   * out.
   */
  #addResult(part: Part): void {
    if (part.type !== "toolResult") return;
    const toolCallId = wellFormed(part.toolCallId);
    const toolName = this.#waiting.get(toolCallId);
    if (toolName === undefined) return;
    this.#waiting.delete(toolCallId);
    const value = wellFormed(part.output) || "(no output)";
    this.#results.push({
      type: "tool-result",
      toolCallId,
      toolName,
      output: { type: part.isError ? "error-text" : "text", value },
    });
  }
}

function summaryMessage(message: HistoryMessage, isLast: boolean): LanguageModelV3Message {
  const summary = message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const next = isLast
    ? "Go on with the task from there."
    : "Where it tells of work on the request that comes next, that work is done: continue from there.";
  const text = [
    "What was said before is left out. This is the summary of it that you wrote:",
    taggedText("summary", wellFormed(summary)),
    next,
  ].join("\n\n");
  return { role: "user", content: [{ type: "text", text }] };
}

/**
 * @param told the circumstances that are sent with it.
 */
function userMessage(
  message: HistoryMessage,
  imageUse: ModelPromptInput["imageUse"],
  told: string | undefined,
): LanguageModelV3Message {
  const content = message.parts.flatMap((part, index) => {
    if (part.type === "text" && !isBlank(part.text)) {
      return [{ type: "text" as const, text: wellFormed(part.text) }];
    }
    if (part.type !== "attachment") return [];
    const named = { ...part, name: wellFormed(part.name), mimeType: wellFormed(part.mimeType) };
    const data = message.attachmentData?.get(index);
    return [attachedContent(named, data, imageUse(message, index))];
  });
  // Providers refuse a message without content.
  if (content.length === 0) content.push({ type: "text", text: "(nothing)" });
  if (told !== undefined) {
    content.push({ type: "text", text: wellFormed(told), providerOptions: circumstancesMark });
  }
  return { role: "user", content };
}

function assistantContent(parts: readonly Part[]): AssistantContent {
  const content: AssistantContent = [];
  const ids = new Set<string>();
  for (const part of parts) {
    if (part.type === "text" && !isBlank(part.text)) {
      const options = providerOptionsOf(part.providerMetadata);
      content.push({ type: "text", text: wellFormed(part.text), ...options });
    } else if (part.type === "reasoning") {
      const options = providerOptionsOf(part.providerMetadata);
      content.push({ type: "reasoning", text: wellFormed(part.text), ...options });
    } else if (part.type === "toolCall") {
      const toolCallId = wellFormed(part.toolCallId);
      if (ids.has(toolCallId)) continue;
      ids.add(toolCallId);
      content.push({
        type: "tool-call",
        toolCallId,
        toolName: sentName(part.name),
        input: wellFormedJson(sentInput(part.input)),
        ...providerOptionsOf(part.providerMetadata),
      });
    }
  }
  // After a cancel, thoughts may lack the reply that they led to. Providers that sign thoughts
  // refuse these.
  while (content.at(-1)?.type === "reasoning") content.pop();
  return content;
}

/** Providers refuse invalid tool names in a prompt, even if their own models made them up. */
function sentName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "unknown";
}

/**
 * Providers require an object. The error result of a broken call quotes its input as far as it
 * matters. An input that an earlier version stored may be nested too deep to be sent.
 */
function sentInput(input: unknown): unknown {
  if (isNestedDeeper(input)) return {};
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
}

function isBlank(text: string): boolean {
  return text.trim() === "";
}
