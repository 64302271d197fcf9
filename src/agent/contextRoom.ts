// Measures how full the model's context window is during a turn, and when summaries no longer help.
import { defined } from "../base/defined.js";
import { formatCount } from "../base/text.js";
import type { HistoryMessage } from "../engine/engine.js";
import type { Usage } from "../protocol/objects/run.js";
import type { Conversation } from "./conversation.js";
import type { TurnFailure } from "./outcome.js";
import {
  circumstancesTokens,
  imageTokens,
  messageTokens,
  partTokens,
  textTokens,
  toolTokens,
} from "./tokenEstimate.js";
import { toolDefinitions } from "./toolDefinitions.js";
import type { TurnInput } from "./turn.js";

/** When a conversation fills this share of its window, it is summarised before it goes on. */
const nearlyFull = 0.85;
/** If an estimate is over the window by this factor, the conversation certainly does not fit. */
const certainlyTooLarge = 1.5;
/** The limit of summaries in a row that made room for at most one call. */
const mostInVain = 2;
/** The limit if each summary had made room, and one step filled it again. */
const mostFilledAtOnce = 5;
const mostNamed = 3;
const toldAlong = "the state of git and changes of AGENTS.md";

/** An item that takes room in the window. */
interface Share {
  readonly name: string;
  readonly tokens: number;
}

/** Those of the present turn's messages, and of attachments. */
const estimates = {
  withImages: new WeakMap<HistoryMessage, number>(),
  withoutImages: new WeakMap<HistoryMessage, number>(),
};

/** Counts the tokens of a turn's calls. */
export class ContextRoom {
  readonly #input: Pick<TurnInput, "model" | "systemPrompt" | "tools">;
  readonly #conversation: Conversation;
  #instructions: number | undefined;
  /** The tokens of the newest call according to its provider, and which messages they include. */
  #told: { readonly tokens: number; readonly messages: number } | undefined;
  /** Calls since the newest summary, and summaries with at most one call between. */
  #callsSince = Number.POSITIVE_INFINITY;
  #inARow = 0;
  #wasFullAtOnce = false;

  constructor(
    input: Pick<TurnInput, "model" | "systemPrompt" | "tools">,
    conversation: Conversation,
  ) {
    this.#input = input;
    this.#conversation = conversation;
  }

  /** Whether the next call may leave too little room, or not fit. False if no window is known. */
  get isNearlyFull(): boolean {
    return this.#isOver(this.#filled());
  }

  /** The tokens of the conversation, and how many fit. */
  get fill(): { readonly tokens: number; readonly window?: number } {
    return { tokens: this.#filled(), ...defined({ window: this.#input.model.info.contextWindow }) };
  }

  /** Whether the user's messages of this turn certainly do not fit. */
  get isTooLarge(): boolean {
    const { contextWindow } = this.#input.model.info;
    if (contextWindow === undefined) return false;
    return this.#lasting() > contextWindow * certainlyTooLarge;
  }

  /** Whether the summaries so far have shown that another one would not help. */
  get isHopeless(): boolean {
    if (this.#callsSince > 1) return false;
    return this.#inARow >= (this.#wasFullAtOnce ? mostInVain : mostFilledAtOnce);
  }

  /** Tells that a call was answered. The conversation is still the one that was sent. */
  replied({ promptTokens, completionTokens }: Usage): void {
    const { length } = this.#conversation.messages;
    const held = promptTokens > 0 ? promptTokens : this.#estimate();
    if (this.#callsSince === 0) this.#wasFullAtOnce = this.#isOver(held);
    this.#callsSince++;
    // If a provider reports nothing, or 0, the estimate counts.
    this.#told =
      promptTokens > 0
        ? {
            tokens: promptTokens + completionTokens,
            messages: completionTokens > 0 ? length + 1 : length,
          }
        : undefined;
  }

  /** Tells that a summary has replaced the earlier messages. */
  summarised(): void {
    this.#inARow = this.#callsSince <= 1 ? this.#inARow + 1 : 1;
    this.#callsSince = 0;
    this.#told = undefined;
  }

  /** The failure of a conversation that does not fit and cannot be made shorter. */
  overflow(refusal?: TurnFailure): TurnFailure {
    const { id, contextWindow } = this.#input.model.info;
    const size = contextWindow === undefined ? "" : ` (${formatCount(contextWindow)} tokens)`;
    const shares = this.#shares();
    const most = shares
      .slice(0, mostNamed)
      .map(({ name, tokens }) => `${name} (about ${formatCount(tokens)} tokens)`)
      .join(", ");
    const isShortest = this.isHopeless || this.#conversation.summarisable().length === 0;
    const summary = isShortest ? ", and a summary cannot make it shorter" : "";
    const sentence = `What has to be sent does not fit into the context window of the model "${id}"${size}${summary}. The largest of it: ${most}. Send less, or choose a model with a larger window.`;
    return {
      errorName: "ContextOverflow",
      message: refusal === undefined ? sentence : `${refusal.message} ${sentence}`,
      cause: refusal?.cause ?? "limit",
    };
  }

  #isOver(tokens: number): boolean {
    const { info, selected } = this.#input.model;
    const { contextWindow } = info;
    if (contextWindow === undefined) return false;
    const reply = selected.maxTokens ?? info.defaultMaxTokens ?? 0;
    // Many providers count the requested length of the reply as part of the window.
    const mark = Math.min(contextWindow * nearlyFull, contextWindow - reply);
    return tokens >= Math.max(mark, contextWindow / 2);
  }

  #filled(): number {
    if (this.#told === undefined) return this.#estimate();
    const unseen = this.#conversation.messages.slice(this.#told.messages);
    return this.#told.tokens + this.#sum(unseen);
  }

  #estimate(): number {
    const { messages, turnStart, kept } = this.#conversation;
    const { supportsImages } = this.#input.model.info;
    let tokens = this.#instructionTokens();
    messages.forEach((message, at) => {
      tokens +=
        at < turnStart && message.attachmentData === undefined
          ? kept.past.tokens(at, message, supportsImages, messageTokens)
          : this.#of(message);
    });
    return tokens;
  }

  /**
   * Images are not counted: only the provider knows their size. The instructions are not counted
   * either: if they alone do not fit, the configured window is probably wrong.
   */
  #lasting(): number {
    const { supportsImages } = this.#input.model.info;
    const { requests } = this.#conversation;
    const images = supportsImages ? requests.reduce((sum, one) => sum + imageTokens(one), 0) : 0;
    return this.#sum(requests) - images;
  }

  #instructionTokens(): number {
    const { systemPrompt, tools } = this.#input;
    this.#instructions ??= textTokens(systemPrompt) + toolTokens(toolDefinitions(tools));
    return this.#instructions;
  }

  #sum(messages: readonly HistoryMessage[]): number {
    return messages.reduce((sum, message) => sum + this.#of(message), 0);
  }

  #of(message: HistoryMessage): number {
    const { supportsImages } = this.#input.model.info;
    const known = supportsImages ? estimates.withImages : estimates.withoutImages;
    const tokens = known.get(message) ?? messageTokens(message, supportsImages);
    known.set(message, tokens);
    return tokens;
  }

  /** What fills the window, the largest first. */
  #shares(): readonly Share[] {
    const { systemPrompt, tools, model } = this.#input;
    const shares: Share[] = [
      { name: "the instructions, with AGENTS.md", tokens: textTokens(systemPrompt) },
      { name: "the descriptions of the tools", tokens: toolTokens(toolDefinitions(tools)) },
    ];
    const others = new Map<string, number>();
    for (const message of this.#conversation.messages) {
      const isRequest = this.#conversation.requests.includes(message);
      others.set(toldAlong, (others.get(toldAlong) ?? 0) + circumstancesTokens(message));
      message.parts.forEach((part, index) => {
        const data = message.attachmentData?.get(index);
        const tokens = partTokens(part, data, model.info.supportsImages);
        if (isRequest && part.type === "attachment") {
          shares.push({ name: `the attachment "${part.name}"`, tokens });
        } else {
          const name = isRequest ? "the prompt" : nameOf(message);
          others.set(name, (others.get(name) ?? 0) + tokens);
        }
      });
    }
    for (const [name, tokens] of others) shares.push({ name, tokens });
    return shares.filter(({ tokens }) => tokens > 0).sort((a, b) => b.tokens - a.tokens);
  }
}

function nameOf({ isSummary, role }: HistoryMessage): string {
  if (isSummary) return "the summary";
  return role === "tool" ? "the results of tools" : "what was said before";
}
