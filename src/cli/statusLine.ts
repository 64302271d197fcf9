/** One line at the bottom of a terminal that changes while something runs. */
import sliceAnsi from "slice-ansi";
import stringWidth from "string-width";

export interface StatusLineOptions {
  /** Writes to the terminal. */
  write(text: string): Promise<void>;
  columns(): number;
  readonly isColored: boolean;
  /** Whether the terminal lays a line out anew when it becomes narrower. */
  readonly reflows: boolean;
}

const toLineStart = "\r";
const clearBelow = "\u001b[J";
const clearRight = "\u001b[K";
/**
 * Between these two a terminal shows nothing of what changes, so nobody sees the line go away and come
 * back (https://gist.github.com/christianparpart/d8a62cc1ab659194337d73e399004036). Others ignore them.
 */
const hold = "\u001b[?2026h";
const release = "\u001b[?2026l";

/**
 * A terminal may have become narrower a moment ago. One that does not lay its lines out anew then cuts
 * what is drawn between these two.
 */
const noWrap = "\u001b[?7l";
const wrap = "\u001b[?7h";

/** Draws over what it drew before, in one write, so that nothing flickers. */
export class StatusLine {
  readonly #options: StatusLineOptions;
  /** What stands there now, without colours. */
  #drawn = "";
  #isHeld = false;

  constructor(options: StatusLineOptions) {
    this.#options = options;
  }

  /** Shows a line; one that is too wide is cut, so that it is never two. */
  async draw(text: string): Promise<void> {
    const most = Math.max(1, this.#options.columns() - 1);
    const cut = stringWidth(text) > most ? `${sliceAnsi(text, 0, most - 1)}…` : text;
    if (cut === this.#drawn) return this.release();
    const before = this.#toStart();
    this.#drawn = cut;
    const styled = this.#options.isColored ? `\u001b[2m${cut}\u001b[22m` : cut;
    const shown = this.#options.reflows ? styled : `${noWrap}${styled}${wrap}`;
    const after = this.#isHeld ? release : "";
    this.#isHeld = false;
    await this.#options.write(`${before}${shown}${clearRight}${after}`);
  }

  /**
   * Takes the line away; what is written next begins where it was. The terminal shows this when the
   * line is drawn again, or released.
   */
  async clear(): Promise<void> {
    if (this.#drawn === "") return;
    const before = this.#toStart();
    this.#drawn = "";
    this.#isHeld = true;
    await this.#options.write(`${hold}${before}${clearBelow}`);
  }

  /** Shows what was written since the line was taken away, where it is not drawn again. */
  async release(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await this.#options.write(release);
  }

  /** A terminal that has become narrower has wrapped what stood there. */
  #toStart(): string {
    if (!this.#options.reflows) return toLineStart;
    const rows = Math.ceil(stringWidth(this.#drawn) / Math.max(1, this.#options.columns()));
    return rows > 1 ? `${toLineStart}\u001b[${rows - 1}A${clearBelow}` : toLineStart;
  }
}
