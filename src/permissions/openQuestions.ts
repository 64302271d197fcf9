// The questions of a workspace that wait for an answer (protocol.md section 7). Whatever decides one of
// them without its own answer withdraws it: an answer to another question, a mode, a rule.
import { canonicalJson } from "../base/canonicalJson.js";
import type { Clock, Timer } from "../base/clock.js";
import { QuestionDecided } from "../base/questionDecided.js";
import { grantKey } from "./sessionGrants.js";
import type { PermissionNeed, PermissionVerdict } from "./types.js";

/** How often open questions are looked at again, in milliseconds: files say nothing when they change. */
const lookEveryMs = 1_000;

/** What a question is about, and how it is decided. */
export interface AskedNeed {
  readonly need: PermissionNeed;
  /** The same object for all questions of one session. */
  readonly session: object;
  /** The verdict of what holds now. Undefined if the question still needs an answer. Never rejects. */
  decide(): Promise<PermissionVerdict | undefined>;
}

interface OpenQuestion extends AskedNeed {
  readonly withdrawing: AbortController;
  verdict: PermissionVerdict | undefined;
}

/** Keeps the open questions of one workspace. It looks at them again only while there are any. */
export class OpenQuestions {
  readonly #clock: Pick<Clock, "after">;
  readonly #open = new Set<OpenQuestion>();
  #timer: Timer | undefined;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  /**
   * Asks, until there is an answer or the question is decided without one. `ask` gets the signal that
   * withdraws it. Rejects as `ask` does.
   */
  async ask<T>(
    asked: AskedNeed,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<{ readonly answer: T } | { readonly verdict: PermissionVerdict }> {
    const question: OpenQuestion = {
      ...asked,
      withdrawing: new AbortController(),
      verdict: undefined,
    };
    this.#open.add(question);
    this.#look();
    try {
      return { answer: await ask(AbortSignal.any([signal, question.withdrawing.signal])) };
    } catch (error) {
      signal.throwIfAborted();
      if (question.verdict === undefined) throw error;
      return { verdict: question.verdict };
    } finally {
      this.#open.delete(question);
      if (this.#open.size === 0) this.#timer?.cancel();
      if (this.#open.size === 0) this.#timer = undefined;
    }
  }

  /** Something may have changed: withdraws every question that is decided by now. Never rejects. */
  async recheck(): Promise<void> {
    await Promise.all(
      [...this.#open].map(async (question) => {
        const verdict = await question.decide();
        if (verdict !== undefined) this.#withdraw(question, verdict);
      }),
    );
  }

  /** The user denied something: the same call that another part of the session asks for is denied too. */
  denied(need: PermissionNeed, session: object, verdict: PermissionVerdict): void {
    const key = callKey(need);
    for (const question of this.#open) {
      const isSame = question.session === session && callKey(question.need) === key;
      if (isSame) this.#withdraw(question, verdict);
    }
  }

  #withdraw(question: OpenQuestion, verdict: PermissionVerdict): void {
    // One that has its answer is decided by that.
    if (!this.#open.has(question) || question.verdict !== undefined) return;
    question.verdict = verdict;
    question.withdrawing.abort(new QuestionDecided(verdict.allowed ? "allow" : "deny"));
  }

  #look(): void {
    this.#timer ??= this.#clock.after(lookEveryMs, () => {
      this.#timer = undefined;
      void this.recheck().then(() => {
        if (this.#open.size > 0) this.#look();
      });
    });
  }
}

/** Equal for calls that want exactly the same: what else they change counts too. */
function callKey(need: PermissionNeed): string {
  const { action, sandbox, input } = need;
  return JSON.stringify([grantKey(need), action, sandbox ?? "", canonicalJson(input ?? null)]);
}
