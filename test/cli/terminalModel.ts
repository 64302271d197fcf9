/**
 * The rows that stand on a terminal after an output. It knows the sequences that the command line uses
 * (carriage return, up, erase to the right, erase below, styles, hold and release, no wrapping), wraps a line that
 * is too wide, and changes its width where the output has the mark {@link resized}.
 */
import stringWidth from "string-width";

/** Stands in an output where the terminal got another width. */
export const resized = (columns: number) => `\u001b[8;${columns}t`;

interface Row {
  cells: string[];
  /** Whether it goes on in the next row. */
  goesOn: boolean;
}

export class TerminalModel {
  #columns: number;
  readonly #reflows: boolean;
  #rows: Row[] = [{ cells: [], goesOn: false }];
  #row = 0;
  #column = 0;
  #isHeld = false;
  #wraps = true;
  /** What a person could see, whenever it changed. */
  readonly seen: string[][] = [];

  /** @param reflows whether it lays lines out anew when it becomes narrower, or cuts them. */
  constructor(columns: number, reflows = true) {
    this.#columns = columns;
    this.#reflows = reflows;
  }

  write(output: string): this {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what a terminal reads.
    for (const [token] of output.matchAll(/\u001b\[[?\d;]*[A-Za-z]|\r|\n|[^\u001b\r\n]+/gu)) {
      this.#take(token);
      if (!this.#isHeld) this.seen.push(this.rows);
    }
    return this;
  }

  /** The rows without blank ones at the end. */
  get rows(): string[] {
    const texts = this.#rows.map(({ cells }) =>
      Array.from(cells, (cell) => cell ?? " ")
        .join("")
        .trimEnd(),
    );
    while (texts.at(-1) === "") texts.pop();
    return texts;
  }

  #take(token: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
    const [, number = "", letter] = /^\u001b\[([?\d;]*)([A-Za-z])$/.exec(token) ?? [];
    if (letter === "A") this.#row = Math.max(0, this.#row - Number(number || 1));
    else if (letter === "K") this.#eraseRight();
    else if (letter === "J") {
      this.#eraseRight();
      this.#rows.length = this.#row + 1;
    } else if (letter === "t") this.#resize(Number(number.split(";")[1]));
    else if (number === "?2026") this.#isHeld = letter === "h";
    else if (number === "?7") this.#wraps = letter === "h";
    else if (token === "\r") this.#column = 0;
    else if (token === "\n") this.#down();
    else if (letter === undefined) for (const { segment } of graphemes(token)) this.#print(segment);
  }

  #print(character: string): void {
    const width = stringWidth(character);
    if (this.#column + width > this.#columns) {
      if (!this.#wraps) return;
      this.#here().goesOn = true;
      this.#down();
    }
    const { cells } = this.#here();
    cells[this.#column] = character;
    for (let more = 1; more < width; more++) cells[this.#column + more] = "";
    this.#column += width;
  }

  #down(): void {
    this.#row += 1;
    this.#column = 0;
    this.#here();
  }

  #here(): Row {
    while (this.#rows.length <= this.#row) this.#rows.push({ cells: [], goesOn: false });
    return this.#rows[this.#row] ?? { cells: [], goesOn: false };
  }

  #eraseRight(): void {
    const row = this.#here();
    row.cells.length = Math.min(row.cells.length, this.#column);
    row.goesOn = false;
  }

  #resize(columns: number): void {
    this.#columns = columns;
    if (!this.#reflows) {
      for (const row of this.#rows) row.cells.length = Math.min(row.cells.length, columns);
      this.#column = Math.min(this.#column, columns - 1);
      return;
    }
    const rows: Row[] = [];
    let line: string[] = [];
    let cursor: number | undefined;
    for (const [index, { cells, goesOn }] of this.#rows.entries()) {
      if (index === this.#row) cursor = line.length + this.#column;
      line = [...line, ...cells];
      if (goesOn) continue;
      const first = rows.length;
      do {
        const rest = line.splice(0, columns);
        rows.push({ cells: rest, goesOn: line.length > 0 });
      } while (line.length > 0);
      if (cursor !== undefined) {
        this.#row = Math.min(first + Math.floor(cursor / columns), rows.length - 1);
        this.#column = cursor - (this.#row - first) * columns;
        cursor = undefined;
      }
    }
    this.#rows = rows;
  }
}

const segmenter = new Intl.Segmenter();
function graphemes(text: string) {
  return segmenter.segment(text);
}
