/**
 * A reply in Markdown as text for a terminal, while it streams. Loaded only where there is a terminal.
 * Nothing in the reply can send the terminal an order: it is made harmless before it is read as
 * Markdown, and what comes out has no sequences but those of the styles below.
 */
import { createMarkdownStreamer, render, type Theme } from "markdansi";
import { withoutOrders } from "./visibleText.js";

/** No colour of it depends on how light the background is. */
const theme: Theme = {
  heading: { bold: true, underline: true },
  strong: { bold: true },
  emph: { italic: true },
  inlineCode: { color: "magenta" },
  blockCode: {},
  link: { underline: true },
  quote: { dim: true },
  hr: { dim: true },
  listMarker: { bold: true },
  tableHeader: { bold: true },
};

/**
 * How many characters are kept back until a block is whole. A longer one is shown in pieces, as it is
 * held and read at once.
 */
const mostHeld = 16 * 1024;

/** References to characters by number; those that stand for orders are shown as what they are. */
const numbered = /&#(?:x([0-9a-f]{1,8})|([0-9]{1,8}));?/gi;
/** The only sequences that the styles need: bold, dim, italic, underline, a colour, and their ends. */
const styles =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what is let through.
  /(\u001b\[(?:[1234]|2[234]|3[0-79]|9[0-7])m)/;

type Streamer = ReturnType<typeof createMarkdownStreamer>;

export class TerminalMarkdown {
  readonly #width: () => number;
  readonly #isColored: boolean;
  #streamer: Streamer;
  #held = 0;
  #heldReturn = "";

  constructor(options: { width: () => number; isColored: boolean }) {
    this.#width = options.width;
    this.#isColored = options.isColored;
    this.#streamer = this.#begin();
  }

  /** Takes what comes next; returns what can be shown now: whole lines. */
  push(next: string): string {
    let shown = "";
    // A line feed may follow in the next piece: then it is a line's end and no order.
    const whole = this.#heldReturn + next;
    const text = whole.endsWith("\r") ? whole.slice(0, -1) : whole;
    this.#heldReturn = whole.slice(text.length);
    // Piece by piece, so that no single block is longer than what is held.
    for (let from = 0; from < text.length; from += mostHeld) {
      const piece = text.slice(from, from + mostHeld);
      const out = this.#streamer.push(harmless(piece));
      this.#held = out === "" ? this.#held + piece.length : 0;
      shown += out;
      if (this.#held > mostHeld) shown += this.#flush();
    }
    return onlyStyles(shown);
  }

  /** Returns the rest, and begins anew. */
  finish(): string {
    const held = this.#heldReturn;
    this.#heldReturn = "";
    return onlyStyles(this.#flush(harmless(held)));
  }

  #flush(last = ""): string {
    const rest = this.#streamer.finish(last);
    this.#streamer = this.#begin();
    this.#held = 0;
    return rest;
  }

  #begin(): Streamer {
    return createMarkdownStreamer({ spacing: "single", render: (block) => this.#render(block) });
  }

  #render(block: string): string {
    try {
      return render(block, {
        width: Math.max(20, this.#width()),
        color: this.#isColored,
        hyperlinks: false,
        codeBox: false,
        codeWrap: false,
        tableTruncate: false,
        theme,
      });
    } catch {
      // Nested too deeply to be read as Markdown: then it is shown as it was written.
      return block.endsWith("\n") ? block : `${block}\n`;
    }
  }
}

function harmless(text: string): string {
  return withoutOrders(text).replace(numbered, (whole, hex?: string, decimal?: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const character = code <= 0x10_ff_ff ? String.fromCodePoint(code) : "";
    return withoutOrders(character) === character ? whole : withoutOrders(character);
  });
}

function onlyStyles(text: string): string {
  return text
    .split(styles)
    .map((piece, index) => (index % 2 === 1 ? piece : withoutOrders(piece)))
    .join("");
}
