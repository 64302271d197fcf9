/** Told of each line: its text, and whether it is longer than that. */
export type OnLine = (line: string, isCut: boolean) => void;

/** Splits bytes into lines. Of one that is too long the beginning is told at once, the rest skipped. */
export class LineSplitter {
  readonly #mostBytes: number;
  readonly #onLine: OnLine;
  #pieces: Uint8Array[] = [];
  #length = 0;
  #isSkipping = false;

  constructor(mostBytes: number, onLine: OnLine) {
    this.#mostBytes = mostBytes;
    this.#onLine = onLine;
  }

  /** Takes the next bytes. */
  add(chunk: Uint8Array): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      this.#keep(chunk.subarray(from, end));
      this.end();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Tells what came after the last line break, if anything did. */
  end(): void {
    if (this.#length > 0) this.#tell(false);
    this.#isSkipping = false;
  }

  #keep(piece: Uint8Array): void {
    if (this.#isSkipping || piece.length === 0) return;
    const kept = piece.subarray(0, this.#mostBytes - this.#length);
    this.#pieces.push(kept);
    this.#length += kept.length;
    if (kept.length === piece.length) return;
    this.#isSkipping = true;
    this.#tell(true);
  }

  #tell(isCut: boolean): void {
    const line = Buffer.concat(this.#pieces).toString("utf8").replace(/\r$/, "");
    this.#pieces = [];
    this.#length = 0;
    this.#onLine(line, isCut);
  }
}
