// What was made of the messages of a history for a model, kept for the next calls and turns: most of a
// long conversation was sent before. It lives as long as the messages that the store keeps in memory,
// and is used only for the very same objects.
import type { LanguageModelV3Message } from "@ai-sdk/provider";
import type { HistoryMessage } from "../engine/engine.js";
import type { Part } from "../protocol/objects/message.js";
import { ToldCircumstances } from "./toldCircumstances.js";

/** A piece of a prompt, with everything that it was made of. */
export interface KeptPiece {
  /** A message, and the results of tools right behind it. */
  readonly messages: readonly HistoryMessage[];
  /** The circumstances that are sent with it. They depend on earlier messages. */
  readonly told: string | undefined;
  readonly prompt: readonly LanguageModelV3Message[];
}

/** The tokens of a message for models that take images, and for those that take none. */
interface KeptTokens {
  readonly message: HistoryMessage;
  withImages?: number;
  withoutImages?: number;
}

/** The beginning of a history without its summary, in whole pieces, and the prompt that was made of it. */
export class PromptBeginning {
  readonly messages: HistoryMessage[] = [];
  readonly prompt: LanguageModelV3Message[] = [];
  /** What its messages have told. */
  circumstances = new ToldCircumstances();

  /** Adds a piece behind it. */
  add(
    messages: readonly HistoryMessage[],
    prompt: readonly LanguageModelV3Message[],
    circumstances: ToldCircumstances,
  ): void {
    this.messages.push(...messages);
    this.prompt.push(...prompt);
    this.circumstances = new ToldCircumstances(circumstances);
  }
}

/** What is kept of a list of messages, by their index. */
export class KeptForms {
  #beginning = new PromptBeginning();
  /** Messages that are made anew each time, by their place, as they were made last. */
  readonly #heads: (LanguageModelV3Message | undefined)[] = [];
  readonly #pieces: (KeptPiece | undefined)[] = [];
  readonly #tokens: (KeptTokens | undefined)[] = [];

  /** The prompt that was made of the messages from `at` to before `end`. */
  prompt(
    at: number,
    messages: readonly HistoryMessage[],
    [from, end]: readonly [from: number, end: number],
    told: string | undefined,
  ): readonly LanguageModelV3Message[] | undefined {
    const piece = this.#pieces[at];
    if (piece === undefined || piece.told !== told) return undefined;
    const { messages: made, prompt } = piece;
    if (made.length !== end - from) return undefined;
    for (let index = 0; index < made.length; index++) {
      if (made[index] !== messages[from + index]) return undefined;
    }
    return prompt;
  }

  /**
   * What is kept of the beginning of `messages`, from `from` to at most `end`; an empty beginning to be
   * filled, if something else was kept. Only lasting messages may be added to it.
   */
  beginning(messages: readonly HistoryMessage[], from: number, end: number): PromptBeginning {
    const { messages: made } = this.#beginning;
    const next = messages[from + made.length];
    const isCut = from + made.length < end && next?.role === "tool" && !next.isSummary;
    const isSame =
      from + made.length <= end && made.every((one, at) => one === messages[from + at]);
    if (!isSame || isCut) this.#beginning = new PromptBeginning();
    return this.#beginning;
  }

  /**
   * The same object as the last time, if it says the same text: what was made of it for a provider is then
   * still good.
   */
  again(place: number, message: LanguageModelV3Message): LanguageModelV3Message {
    const before = this.#heads[place];
    const text = textOf(message);
    if (before !== undefined && text !== undefined && textOf(before) === text) return before;
    this.#heads[place] = message;
    return message;
  }

  /** Keeps a piece, if nothing but its messages and what is told with it can change it. */
  keep(at: number, piece: KeptPiece): void {
    this.#pieces[at] = piece.messages.every(isLasting) ? piece : undefined;
  }

  /** The tokens of the message at `at`, counted once. */
  tokens(
    at: number,
    message: HistoryMessage,
    supportsImages: boolean,
    count: (message: HistoryMessage, supportsImages: boolean) => number,
  ): number {
    const before = this.#tokens[at];
    const kept: KeptTokens = before?.message === message ? before : { message };
    const known = supportsImages ? kept.withImages : kept.withoutImages;
    if (known !== undefined) return known;
    const tokens = count(message, supportsImages);
    if (supportsImages) kept.withImages = tokens;
    else kept.withoutImages = tokens;
    this.#tokens[at] = isLasting(message) ? kept : undefined;
    return tokens;
  }

  /** Forgets what is kept from `length` on. */
  cut(length: number): void {
    this.#pieces.length = Math.min(this.#pieces.length, length);
    this.#tokens.length = Math.min(this.#tokens.length, length);
  }
}

/**
 * Bytes of attachments are read anew for each turn, and are not kept longer. How an image is shown, and
 * what is said behind a summary, depends on more than the message.
 */
export function isLasting({ parts, attachmentData, isSummary }: HistoryMessage): boolean {
  if (isSummary === true || attachmentData !== undefined) return false;
  return !parts.some(({ type }) => type === "attachment");
}

/** The text of an instruction or of a summary; undefined for what has more than a text. */
function textOf({ role, content }: LanguageModelV3Message): string | undefined {
  if (role === "system") return content;
  const [part] = content;
  return role === "user" && content.length === 1 && part?.type === "text" ? part.text : undefined;
}

/** By the parts of a history's first message, which the store keeps as long as the others. */
const kept = new WeakMap<readonly Part[], KeptForms>();

/** What is kept of a session's history. A summary in front of it is read anew each time. */
export function keptForms(history: readonly HistoryMessage[]): KeptForms {
  const first = history.find(({ isSummary }) => isSummary !== true)?.parts;
  if (first === undefined) return new KeptForms();
  const forms = kept.get(first) ?? new KeptForms();
  forms.cut(history.length);
  kept.set(first, forms);
  return forms;
}
