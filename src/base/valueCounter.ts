const [quote, backslash, comma, lineFeed] = [0x22, 0x5c, 0x2c, 0x0a];
const [openBracket, openBrace] = [0x5b, 0x7b];

/**
 * Counts the values of a JSON text that comes in pieces, before anybody parses it: each value takes its
 * time and far more memory than its bytes. What is no JSON is counted as if it were.
 */
export class ValueCounter {
  #isInString = false;
  #isEscaped = false;
  #count = 0;

  /** How many values have begun. A line counts like a value. */
  get count(): number {
    return this.#count;
  }

  /** Takes the next bytes. */
  add(bytes: Uint8Array): void {
    let [isInString, isEscaped, count] = [this.#isInString, this.#isEscaped, this.#count];
    for (const byte of bytes) {
      if (isEscaped) isEscaped = false;
      else if (byte === quote) isInString = !isInString;
      else if (byte === lineFeed) {
        // No string of JSON has a line end in it.
        isInString = false;
        count++;
      } else if (isInString) isEscaped = byte === backslash;
      else if (byte === comma || byte === openBracket || byte === openBrace) count++;
    }
    [this.#isInString, this.#isEscaped, this.#count] = [isInString, isEscaped, count];
  }
}
