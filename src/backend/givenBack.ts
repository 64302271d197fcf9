// The texts of dropped prompts go back to the client, so that an editor can put them into its input
// box again (protocol.md section 4, Cancelling). They are not stored.
import { defined } from "../base/defined.js";
import { cutBytes } from "../base/text.js";
import type { QueuedPrompt } from "../coordinator/openRuns.js";
import type { EndedWaiting } from "../coordinator/waitingRuns.js";
import type { QueueEntry } from "../protocol/objects/queueEntry.js";
import type { Result } from "../protocol/registry.js";

/** The most that one answer gives back, in bytes. */
export const mostBytesGivenBack = 1024 * 1024;

/** The most that one list of a queue tells, in bytes: to write more keeps everything else waiting. */
const mostBytesListed = 4 * 1024 * 1024;

const trueOnly = true as const;

type Cancelled = Result<"cancelSession">["cancelled"][number];

/** Gives out texts until an answer holds as much as it may. */
class Allowance {
  #left: number;
  #isTruncated = false;

  constructor(most = mostBytesGivenBack) {
    this.#left = most;
  }

  /** The members of the answer that say that something had no room. */
  get remark(): { promptTruncated?: true } {
    return defined({ promptTruncated: this.#isTruncated ? trueOnly : undefined });
  }

  /** The text, or as much of it as fits; undefined if nothing fits. */
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

/** The answer to `cancelSession` if what it stopped waited for a server. */
export function waitedWithPrompts(
  waited: readonly EndedWaiting[],
  clientId: string,
): Result<"cancelSession"> {
  const allowance = new Allowance();
  const cancelled = waited.map((run): Cancelled => {
    const head = { was: "waiting" as const, ...defined({ runId: run.runId }) };
    if (run.clientId !== clientId || run.prompt === undefined) return head;
    const { prompt, isWhole } = allowance.take(run.prompt);
    return { ...head, ...defined({ prompt, promptTruncated: isWhole ? undefined : trueOnly }) };
  });
  return { cancelled, ...allowance.remark };
}

/** The queued prompts that the answer to `clearQueue` gives back. */
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

/** The answer to `listQueue`: what is longer than an answer may hold is cut. */
export function listedEntries(entries: readonly QueueEntry[]): QueueEntry[] {
  const allowance = new Allowance(mostBytesListed);
  return entries.map((entry) => {
    const { prompt = "", isWhole } = allowance.take(entry.prompt);
    return isWhole ? entry : { ...entry, prompt, promptTruncated: trueOnly };
  });
}

/** The answer to `queuedPromptsList`. */
export function listedPrompts(texts: readonly string[]): Result<"queuedPromptsList"> {
  const allowance = new Allowance(mostBytesListed);
  const prompts = texts.map((text) => allowance.take(text).prompt ?? "");
  return { prompts, ...allowance.remark };
}
