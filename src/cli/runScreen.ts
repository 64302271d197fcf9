/**
 * What `turnwire run` shows: the answer on its output, everything else on stderr. Where these are one
 * terminal, no line of one stands in a line of the other, and a status line stands below them.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { Output } from "./runOutput.js";
import type { StatusLine } from "./statusLine.js";
import type { TerminalMarkdown } from "./terminalMarkdown.js";

export interface RunScreenOptions {
  readonly out: Output;
  readonly err: Output;
  /** Whether the answer goes to a terminal. */
  readonly isOutTerminal: boolean;
  /** Whether there is somebody to show the status to. */
  readonly hasStatus: boolean;
  readonly isOutColored: boolean;
  readonly isErrColored: boolean;
  /** Whether the terminal lays a line out anew when it becomes narrower. */
  readonly reflows: boolean;
  readonly clock: Clock;
  columns(): number;
}

/** How often the status line changes, in milliseconds. */
const tickMs = 200;

export class RunScreen implements Output {
  readonly #options: RunScreenOptions;
  #markdown: TerminalMarkdown | undefined;
  #status: StatusLine | undefined;
  #told: (() => string) | undefined;
  #timer: Timer | undefined;
  #isPaused = false;
  /** Writes to the terminal come one after the other. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: RunScreenOptions) {
    this.#options = options;
  }

  /** Loads what a terminal needs, and begins to show what `status` tells. */
  async begin(status: () => string): Promise<void> {
    const { isOutTerminal, hasStatus, isOutColored, isErrColored, columns, err } = this.#options;
    if (isOutTerminal) {
      const { TerminalMarkdown } = await import("./terminalMarkdown.js");
      this.#markdown = new TerminalMarkdown({ width: columns, isColored: isOutColored });
    }
    if (!hasStatus) return;
    const { StatusLine } = await import("./statusLine.js");
    const write = (text: string) => err.write(text);
    const { reflows } = this.#options;
    this.#status = new StatusLine({ write, columns, isColored: isErrColored, reflows });
    this.#told = status;
    this.#tick();
  }

  /** Why the answer cannot be written any more; undefined while it can. */
  get failure(): Error | undefined {
    return this.#options.out.failure;
  }

  /** Writes a piece of the answer. */
  write(text: string): Promise<void> {
    const { out } = this.#options;
    const shown = this.#markdown === undefined ? text : this.#markdown.push(text);
    return shown === "" ? Promise.resolve() : this.#write(() => out.write(shown));
  }

  /** Writes lines of stderr, each with its end. */
  lines(text: string): Promise<void> {
    if (text === "") return Promise.resolve();
    return this.#write(async () => {
      await this.#showRest();
      await this.#options.err.write(text);
    });
  }

  /** The answer is whole: shows what was kept back of it. */
  async finish(): Promise<void> {
    await this.#write(() => this.#showRest());
    await this.#options.out.finish();
  }

  release(): void {
    this.#options.out.release();
    this.#options.err.release();
  }

  /** Makes room for somebody else who writes to the terminal, until what is returned is called. */
  async giveWay(): Promise<() => void> {
    this.#isPaused = true;
    await this.#write(() => this.#showRest());
    return () => {
      this.#isPaused = false;
    };
  }

  /** Takes the status line away for good. */
  async end(): Promise<void> {
    this.#timer?.cancel();
    this.#told = undefined;
    await this.#write(() => this.#showRest());
    this.#timer?.cancel();
  }

  async #showRest(): Promise<void> {
    const rest = this.#markdown?.finish() ?? "";
    if (rest !== "") await this.#options.out.write(rest);
  }

  /** What is written takes the place of the status line, which comes again at the next tick. */
  #write(write: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      await this.#status?.clear();
      try {
        await write();
      } finally {
        await this.#draw();
        await this.#status?.release();
      }
    });
    this.#last = done.catch(() => {});
    return done;
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(tickMs, () => {
      this.#last = this.#last.then(() => this.#draw());
      if (this.#told !== undefined) this.#tick();
    });
  }

  async #draw(): Promise<void> {
    if (!this.#isPaused && this.#told !== undefined) await this.#status?.draw(this.#told());
  }
}
