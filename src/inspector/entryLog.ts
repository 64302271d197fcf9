/** The newest entries, in bounded memory, for every page that is open. */
import type { Entry } from "./entries.js";
import { shortEntry } from "./shortEntry.js";

/** How much is kept. */
export interface LogSize {
  readonly entries: number;
  readonly characters: number;
}

const usual: LogSize = { entries: 100_000, characters: 64 * 1024 * 1024 };

/** Entries as JSON, each with a number that only goes up. */
export class EntryLog {
  readonly #most: LogSize;
  #lines: string[] = [];
  /** When each of them happened. */
  #times: number[] = [];
  /** The number of the first line that is kept. */
  #first = 0;
  /** Lines at the beginning of the list that are not kept any more; cut off now and then. */
  #gone = 0;
  #characters = 0;
  /** What holds at this time, by its key; the newest of each kind alone. */
  readonly #states = new Map<string, { readonly version: number; readonly line: string }>();
  #version = 0;
  readonly #listeners = new Set<() => void>();

  constructor(most: LogSize = usual) {
    this.#most = most;
  }

  /** Whether a page is open. */
  get isRead(): boolean {
    return this.#listeners.size > 0;
  }

  add(entry: Entry): void {
    const { entries, characters } = this.#most;
    const whole = JSON.stringify(entry);
    // One entry must not push all others out.
    const most = characters / 4;
    const line = whole.length <= most ? whole : shortEntry(entry, most);
    this.#lines.push(line);
    this.#times.push(entry.at);
    this.#characters += line.length;
    while (this.#lines.length - this.#gone > entries || this.#characters > characters) {
      this.#characters -= this.#lines[this.#gone]?.length ?? 0;
      this.#lines[this.#gone] = "";
      this.#gone += 1;
      this.#first += 1;
    }
    if (this.#gone > entries) {
      this.#lines = this.#lines.slice(this.#gone);
      this.#times = this.#times.slice(this.#gone);
      this.#gone = 0;
    }
    this.#tell();
  }

  /** Says what holds now, in the place of what was said under this key before. */
  setState(key: string, state: object): void {
    this.#version += 1;
    this.#states.delete(key);
    this.#states.set(key, { version: this.#version, line: JSON.stringify(state) });
    this.#tell();
  }

  /** What was said under this key does not hold any more. */
  removeState(key: string): void {
    this.#states.delete(key);
  }

  /** What was said since a version, and the version that it has now. */
  #statesSince(version: number): { readonly version: number; readonly lines: readonly string[] } {
    const lines = [...this.#states.values()]
      .filter((state) => state.version > version)
      .map(({ line }) => line);
    return { version: this.#version, lines };
  }

  /** The line with this number, or the oldest one after it; undefined where there is none yet. */
  at(
    number: number,
  ): { readonly number: number; readonly line: string; readonly at: number } | undefined {
    const found = Math.max(number, this.#first);
    const index = found - this.#first + this.#gone;
    const line = this.#lines[index];
    return line === undefined ? undefined : { number: found, line, at: this.#times[index] ?? 0 };
  }

  /**
   * What a reader has not got yet: at most so many lines, and where it goes on. Where it was too slow for some
   * of them, an entry says how many, before the next one and with its time.
   */
  after(
    from: number,
    version: number,
    most: number,
  ): { readonly text: string; readonly next: number; readonly version: number } {
    const states = this.#statesSince(version);
    let text = states.lines.map((line) => `${line}\n`).join("");
    let next = from;
    for (let count = 0; count < most; count++) {
      const found = this.at(next);
      if (found === undefined) break;
      if (found.number > next) {
        const missed: Entry = { kind: "missed", at: found.at, count: found.number - next };
        text += `${JSON.stringify(missed)}\n`;
      }
      text += `${found.line}\n`;
      next = found.number + 1;
    }
    return { text, next, version: states.version };
  }

  /** Resolves when there is something new, or the reader has gone. */
  changed(reader: {
    once(name: "close", done: () => void): unknown;
    off(name: "close", done: () => void): unknown;
  }): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop();
        reader.off("close", done);
        resolve();
      };
      const stop = this.#listen(done);
      reader.once("close", done);
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Calls back when there is something new; call what is returned to stop. */
  #listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
