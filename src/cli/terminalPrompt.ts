/** Puts questions to the person at the terminal, one after the other. */
import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import stringWidth from "string-width";
import type { Terminal } from "./terminal.js";

/** What is asked on: a terminal, or streams that stand for one. */
export type QuestionOutput = Writable & { readonly rows?: number; readonly columns?: number };

/** One question while it is being put. */
export interface Talk {
  /** Shows a text and reads a line; undefined at the end of the input. */
  read(text: string): Promise<string | undefined>;
  /** Shows lines, a page at a time on a terminal that tells its size; false where it was not looked at. */
  show(lines: readonly string[]): Promise<boolean>;
}

/** A terminal that does not tell its size says 0; then all comes at once, as on one without pages. */
const fewestRows = 5;

/** Asks on `output`; the answers are lines of `input`. */
export class TerminalPrompt {
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
   * Puts a question once those before it are done, and resolves with what `talk` makes of it; with
   * `refused` where it is withdrawn. What was typed before it is shown counts for nothing.
   */
  converse<T>(signal: AbortSignal, refused: T, talk: (with_: Talk) => Promise<T>): Promise<T> {
    const answer = this.#last.then(() => this.#converse(signal, refused, talk));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #converse<T>(
    signal: AbortSignal,
    refused: T,
    talk: (with_: Talk) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted || !(await this.#discardTyped())) return refused;
    // Not as a terminal: the terminal itself edits the line, and Ctrl-C stays an interrupt.
    const lines = createInterface({ input: this.#input, output: this.#output, terminal: false });
    const ended = new Promise<undefined>((resolve) => {
      lines.once("close", () => resolve(undefined));
    });
    const read = (text: string) => Promise.race([lines.question(text, { signal }), ended]);
    try {
      return await talk({ read, show: (all) => this.#show(all, read) });
    } catch (error) {
      if (signal.aborted) return refused;
      throw error;
    } finally {
      lines.close();
    }
  }

  async #show(lines: readonly string[], read: Talk["read"]): Promise<boolean> {
    const { rows = 0, columns = 80 } = this.#output;
    let from = 0;
    while (from < lines.length) {
      const to = rows < fewestRows ? lines.length : pageEnd(lines, from, rows - 2, columns);
      this.#output.write(`${lines.slice(from, to).join("\n")}\n`);
      from = to;
      const left = lines.length - from;
      if (left === 0) break;
      const key = await read(`-- ${left} more lines: [Enter] the next, [n]o: `);
      if (key === undefined || /^no?$/i.test(key.trim())) return false;
    }
    return true;
  }
}

/** Where the page that begins at a line ends: at least one line on. */
function pageEnd(lines: readonly string[], from: number, rows: number, columns: number): number {
  let used = 0;
  for (let at = from; at < lines.length; at++) {
    const width = stringWidth(lines[at] ?? "");
    used += Math.max(1, Math.ceil(width / Math.max(1, columns)));
    if (used > rows && at > from) return at;
  }
  return lines.length;
}
