/** If the same calls with the same results come in this many replies in a row, the turn ends. */
export const repetitionLimit = 5;
/** From this many on, the model is told that it repeats itself. */
export const repetitionWarning = 3;

const longestCycle = 4;

/** What a model is told that repeats itself, behind the result of its call. */
export function withRepetitionNote(output: string, timesRound: number): string {
  return `${withoutRepetitionNote(output)}\n\nYou have made this call ${timesRound} times in a row with the same result. Do something else.`;
}

/** The result without that note: the call is the same, however often it was made. */
export function withoutRepetitionNote(output: string): string {
  return output.replace(note, "");
}

const note =
  /\n\nYou have made this call \d+ times in a row with the same result\. Do something else\.$/;

/**
 * Notices a model that repeats itself: the same tool calls with the same results, in every reply or
 * in a cycle of up to four replies (read this, read that, read this, …).
 */
export class Repetition {
  /** The noted replies, the newest last; at most as many as the longest cycle needs. */
  readonly #recent: string[] = [];

  /**
   * Notes a reply by the texts that identify its calls. Returns how often its cycle has come in a
   * row.
   */
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
