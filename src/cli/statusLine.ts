/** One line at the bottom of a terminal that changes while something runs. */
import sliceAnsi from "slice-ansi";
import stringWidth from "string-width";

export interface StatusLineOptions {
  /** Writes to the terminal. */
  write(text: string): Promise<void>;
  columns(): number;
  readonly isColored: boolean;
}

const toLineStart = "\r";
const clearBelow = "\u001b[J";
const clearRight = "\u001b[K";

/** Draws over what it drew before, in one write, so that nothing flickers. */
export class StatusLine {
  readonly #options: StatusLineOptions;
  /** What stands there now, without colours. */
  #drawn = "";

  constructor(options: StatusLineOptions) {
    this.#options = options;
  }

  /** Shows a line; one that is too wide is cut, so that it is never two. */
  async draw(text: string): Promise<void> {
    const most = Math.max(1, this.#options.columns() - 1);
    const cut = stringWidth(text) > most ? `${sliceAnsi(text, 0, most - 1)}…` : text;
    if (cut === this.#drawn) return;
    const before = this.#toStart();
    this.#drawn = cut;
    const shown = this.#options.isColored ? `\u001b[2m${cut}\u001b[22m` : cut;
    await this.#options.write(`${before}${shown}${clearRight}`);
  }

  /** Takes the line away; what is written next begins where it was. */
  async clear(): Promise<void> {
    if (this.#drawn === "") return;
    const before = this.#toStart();
    this.#drawn = "";
    await this.#options.write(`${before}${clearBelow}`);
  }

  /** A terminal that has become narrower has wrapped what stood there. */
  #toStart(): string {
    const rows = Math.ceil(stringWidth(this.#drawn) / Math.max(1, this.#options.columns()));
    return rows > 1 ? `${toLineStart}\u001b[${rows - 1}A${clearBelow}` : toLineStart;
  }
}
