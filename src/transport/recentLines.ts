/** How many writes are kept, and how much of one, in UTF-16 units. */
const most = 200;
const longest = 8 * 1024;

/** Takes what was written, and when, in milliseconds since 1970. */
type Listener = (text: string, at: number) => void;

/** What was written to a log last, in bounded memory, for whoever comes later. */
export class RecentLines {
  readonly #now: () => number;
  readonly #kept: Parameters<Listener>[] = [];
  #listener: Listener | undefined;

  /** `now` tells the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one write: a line, or several. A longer text is cut. */
  add(written: string | Uint8Array): void {
    const text = typeof written === "string" ? written : Buffer.from(written).toString();
    const one: Parameters<Listener> = [text.slice(0, longest), this.#now()];
    if (this.#kept.push(one) > most) this.#kept.shift();
    this.#listener?.(...one);
  }

  /** Tells what is kept, and from now on everything, until another listener takes its place. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener;
    if (listener !== undefined) for (const one of this.#kept) listener(...one);
  }
}
