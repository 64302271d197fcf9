/** Asks the person at the terminal whether a tool may do something. */
import { createInterface, type Interface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";
import { questionLines } from "./questionText.js";
import type { Terminal } from "./terminal.js";

/** What is asked on: a terminal, or streams that stand for one. */
export type QuestionOutput = Writable & { readonly rows?: number; readonly columns?: number };

/** A terminal that does not tell its size says 0; then all comes at once, as on one without pages. */
const fewestRows = 5;

/** Asks one question after the other, on `output`; the answers are lines of `input`. */
export class PermissionPrompt {
  readonly #input: Readable;
  readonly #output: QuestionOutput;
  readonly #discardTyped: Terminal["discardTyped"];
  #last: Promise<unknown> = Promise.resolve();

  /** `discardTyped` is called right before an answer is taken; false from it is a no. */
  constructor(
    input: Readable,
    output: QuestionOutput,
    discardTyped: Terminal["discardTyped"] = async () => true,
  ) {
    this.#input = input;
    this.#output = output;
    this.#discardTyped = discardTyped;
  }

  /**
   * Shows all that would run or change, and resolves with what the person said; the end of the input
   * is a no. What was typed before the choice is shown counts for nothing.
   */
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
    if (signal.aborted || !(await this.#discardTyped())) return denied;
    // Not as a terminal: the terminal itself edits the line, and Ctrl-C stays an interrupt.
    const lines = createInterface({ input: this.#input, output: this.#output, terminal: false });
    const ended = new Promise<undefined>((resolve) => {
      lines.once("close", () => resolve(undefined));
    });
    const read = (text: string) => Promise.race([readLine(lines, text, signal), ended]);
    try {
      if (!(await this.#show(questionLines(question), read))) return denied;
      for (;;) {
        const line = await read("Allow? [y]es, [n]o, [a]lways in this session: ");
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

  /** Shows a page at a time on a terminal that tells its size; false where it was not looked at. */
  async #show(
    lines: readonly string[],
    read: (text: string) => Promise<string | undefined>,
  ): Promise<boolean> {
    const { rows = 0, columns = 80 } = this.#output;
    let from = 0;
    while (from < lines.length) {
      const to = rows < fewestRows ? lines.length : pageEnd(lines, from, rows - 2, columns);
      this.#output.write(`${lines.slice(from, to).join("\n")}\n`);
      from = to;
      const left = lines.length - from;
      if (left === 0) break;
      const key = await read(`-- ${left} more lines: [Enter] the next, [n]o: `);
      if (key === undefined || decisions[key.trim().toLowerCase()] === "deny") return false;
    }
    return true;
  }
}

/** Where the page that begins at a line ends: at least one line on. */
function pageEnd(lines: readonly string[], from: number, rows: number, columns: number): number {
  let used = 0;
  for (let at = from; at < lines.length; at++) {
    used += Math.max(1, Math.ceil((lines[at]?.length ?? 0) / Math.max(1, columns)));
    if (used > rows && at > from) return at;
  }
  return lines.length;
}

function readLine(lines: Interface, text: string, signal: AbortSignal): Promise<string> {
  return lines.question(text, { signal });
}

const decisions: Readonly<Record<string, PermissionAnswer["decision"]>> = {
  y: "allow",
  yes: "allow",
  n: "deny",
  no: "deny",
  a: "allowForSession",
  always: "allowForSession",
};
