// What waited and was dropped goes back to whoever wrote it, as text, so that an editor can put it
// into its box again (protocol.md section 4, Cancelling). It is stored nowhere.
import { defined } from "../base/defined.js";
import { cutBytes } from "../base/text.js";
import type { QueuedPrompt } from "../coordinator/openRuns.js";
import type { Result } from "../protocol/registry.js";

/** The most that one answer gives back, in bytes. */
export const mostBytesGivenBack = 1024 * 1024;

const trueOnly = true as const;

type Cancelled = Result<"cancelSession">["cancelled"][number];

/** Hands out texts until an answer holds as much of them as it may. */
class Allowance {
  #left = mostBytesGivenBack;
  #isTruncated = false;

  /** What the answer says where something had no room. */
  get remark(): { promptTruncated?: true } {
    return defined({ promptTruncated: this.#isTruncated ? trueOnly : undefined });
  }

  /** The text, or as much of it as there is room for; undefined where there is none at all. */
  take(text: string): { prompt: string | undefined; isWhole: boolean } {
    const prompt = cutBytes(text, this.#left);
    const isWhole = prompt.length === text.length;
    this.#left = isWhole ? this.#left - Buffer.byteLength(prompt) : 0;
    if (!isWhole) this.#isTruncated = true;
    return { prompt: isWhole || prompt !== "" ? prompt : undefined, isWhole };
  }
}

/** The answer to `cancelSession`: `queued` are the prompts of those that were queued, in their order. */
export function cancelledWithPrompts(
  cancelled: readonly Cancelled[],
  queued: readonly QueuedPrompt[],
  clientId: string,
): Result<"cancelSession"> {
  const allowance = new Allowance();
  let next = 0;
  const withPrompts = cancelled.map((one): Cancelled => {
    const waiting = one.was === "queued" ? queued[next++] : undefined;
    if (waiting?.clientId !== clientId) return one;
    const { prompt, isWhole } = allowance.take(waiting.text);
    return { ...one, ...defined({ prompt, promptTruncated: isWhole ? undefined : trueOnly }) };
  });
  return { cancelled: withPrompts, ...allowance.remark };
}

/** What the answer to `clearQueue` gives back of what was queued. */
export function clearedPrompts(
  queued: readonly QueuedPrompt[],
  clientId: string,
): Omit<Result<"clearQueue">, "cleared"> {
  const allowance = new Allowance();
  const prompts = queued
    .filter((one) => one.clientId === clientId)
    .flatMap(({ text }) => allowance.take(text).prompt ?? []);
  return { prompts, ...allowance.remark };
}
