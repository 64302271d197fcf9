/** Asks the person at the terminal whether a tool may do something. */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";
import { shorten } from "./runActivity.js";

/** Asks one question after the other, on `output`; the answers are lines of `input`. */
export class PermissionPrompt {
  readonly #input: Readable;
  readonly #output: Writable;
  #last: Promise<unknown> = Promise.resolve();

  constructor(input: Readable, output: Writable) {
    this.#input = input;
    this.#output = output;
  }

  /** Resolves with what the person said; the end of the input is a no. */
  ask(
    question: PermissionQuestion,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<PermissionAnswer> {
    const answer = this.#last.then(() => this.#ask(question, signal));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #ask(question: PermissionQuestion, signal: AbortSignal): Promise<PermissionAnswer> {
    const denied: PermissionAnswer = { decision: "deny" };
    if (signal.aborted) return denied;
    // Not as a terminal: the terminal itself edits the line, and Ctrl-C stays an interrupt.
    const lines = createInterface({ input: this.#input, output: this.#output, terminal: false });
    const ended = new Promise<undefined>((resolve) => {
      lines.once("close", () => resolve(undefined));
    });
    try {
      const text = `${shorten(`${question.tool}: ${question.description}`)}\nAllow? [y]es, [n]o, [a]lways in this session: `;
      for (;;) {
        const line = await Promise.race([lines.question(text, { signal }), ended]);
        const decision = line === undefined ? "deny" : decisions[line.trim().toLowerCase()];
        if (decision !== undefined) return { decision };
      }
    } catch (error) {
      if (signal.aborted) return denied;
      throw error;
    } finally {
      lines.close();
    }
  }
}

const decisions: Readonly<Record<string, PermissionAnswer["decision"]>> = {
  y: "allow",
  yes: "allow",
  n: "deny",
  no: "deny",
  a: "allowForSession",
  always: "allowForSession",
};
