/**
 * Secrets that come in pieces: a text that is streamed in deltas may have one in two of them. What came
 * before is remembered for each text, so that the second piece is known for what it is.
 */
import { type Redaction, redacted } from "./redaction.js";
import { deltaOf, withDeltaText } from "./view/deltas.js";

/** Texts that may be under way at a time; older ones are forgotten. */
const mostTexts = 1000;
/** What is remembered of a text, in UTF-16 units: no secret that is looked for is longer. */
const mostRemembered = 4096;
/** So much of the beginning of a secret counts as one, in UTF-16 units: less is an ordinary word. */
const shortestPiece = 6;

/** Replaces secrets in deltas that only the deltas together have. */
export class DeltaRedaction {
  readonly #redaction: Redaction;
  readonly #before = new Map<string, string>();

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** The message, without what its delta has of a known secret. */
  message(message: unknown): unknown {
    const delta = deltaOf(message);
    if (delta === undefined) return message;
    const { key, text } = delta;
    const before = this.#before.get(key) ?? "";
    const longest = Math.min(mostRemembered, this.#redaction.longest);
    this.#before.delete(key);
    if (longest > 0) this.#before.set(key, (before + text).slice(-longest));
    const [oldest] = this.#before.keys();
    if (this.#before.size > mostTexts && oldest !== undefined) this.#before.delete(oldest);
    const clean = this.#clean(before, text);
    return clean === text ? message : withDeltaText(message, clean);
  }

  #clean(before: string, text: string): string {
    const whole = before + text;
    let clean = "";
    let from = before.length;
    for (const [start, end] of this.#redaction.placesIn(whole, shortestPiece)) {
      if (end <= from) continue;
      clean += whole.slice(from, Math.max(from, start)) + redacted;
      from = end;
    }
    return clean + whole.slice(from);
  }
}
