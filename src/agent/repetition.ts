/** Calls that come in so many replies in a row, with the same results, end the turn. */
export const repetitionLimit = 5;
/** From here on the model is told that it repeats itself. */
export const repetitionWarning = 3;

const longestCycle = 4;

/**
 * Notices a model that goes in circles: the same tool calls with the same results over and over, alone
 * or as a cycle of up to four replies (read this, read that, read this, …).
 */
export class Repetition {
  /** The newest last; no more than the longest cycle can need. */
  readonly #recent: string[] = [];

  /** Notes a reply by what tells its calls from others; says how often its cycle has come in a row. */
  note(signature: string): number {
    this.#recent.push(signature);
    if (this.#recent.length > longestCycle * repetitionLimit) this.#recent.shift();
    let most = 1;
    for (let length = 1; length <= longestCycle; length++) {
      most = Math.max(most, this.#timesRound(length));
    }
    return most;
  }

  #timesRound(length: number): number {
    let same = 0;
    for (let index = this.#recent.length - 1; index >= length; index--) {
      if (this.#recent[index] !== this.#recent[index - length]) break;
      same++;
    }
    return 1 + Math.floor(same / length);
  }
}
