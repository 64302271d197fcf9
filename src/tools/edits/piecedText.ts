// A large text that is changed in many places, in pieces: to put it together again takes a copy of all
// of it, which a hundred changes of one file would do a hundred times.

/** A text, and what was replaced in it. */
export class PiecedText {
  #pieces: readonly string[];
  #length: number;

  constructor(text: string) {
    this.#pieces = [text];
    this.#length = text.length;
  }

  /** In UTF-16 units. */
  get length(): number {
    return this.#length;
  }

  /** The units from `from` to before `to`. */
  slice(from: number, to: number): string {
    return this.#cut(from, to).join("");
  }

  /** Puts another text in the place of `length` units at `at`. */
  replace(at: number, length: number, text: string): void {
    const after = this.#cut(at + length, this.#length);
    this.#pieces = [...this.#cut(0, at), text, ...after];
    this.#length += text.length - length;
  }

  /** All of it, put together. */
  whole(): string {
    if (this.#pieces.length > 1) this.#pieces = [this.#pieces.join("")];
    return this.#pieces[0] ?? "";
  }

  #cut(from: number, to: number): string[] {
    const cut: string[] = [];
    let start = 0;
    for (const piece of this.#pieces) {
      const end = start + piece.length;
      if (start < to && end > from) {
        cut.push(piece.slice(Math.max(0, from - start), Math.min(piece.length, to - start)));
      }
      start = end;
    }
    return cut;
  }
}
