// What was made of the beginning of a prompt, kept for the next call: most of a long conversation was sent
// before. The messages of a conversation are the same objects each time, so it is used only for these.
import type { LanguageModelV3Message, LanguageModelV3Prompt } from "@ai-sdk/provider";

/** The beginning of a prompt. */
export interface PromptBeginning<State> {
  readonly messages: LanguageModelV3Message[];
  /** What was made of them, and what is made of the messages behind them depends on. */
  readonly state: State;
}

interface Kept<State> extends PromptBeginning<State> {
  readonly maker: object;
}

/** Keeps one beginning of each conversation, as long as its first message is kept. */
export class KeptBeginnings<State> {
  readonly #kept = new WeakMap<LanguageModelV3Message, Kept<State>>();

  /**
   * What is kept of the beginning of a prompt, of at most `end` messages; an empty one, to be filled, if
   * something else was kept.
   *
   * @param maker what decides, with the messages, what is made of them.
   */
  of(
    prompt: LanguageModelV3Prompt,
    end: number,
    maker: object,
    begin: () => State,
  ): PromptBeginning<State> {
    const [first] = prompt;
    const kept = first && this.#kept.get(first);
    if (kept?.maker === maker && kept.messages.length <= end) {
      if (kept.messages.every((one, at) => one === prompt[at])) return kept;
    }
    const anew: Kept<State> = { messages: [], state: begin(), maker };
    if (first !== undefined && end > 0) this.#kept.set(first, anew);
    return anew;
  }
}
