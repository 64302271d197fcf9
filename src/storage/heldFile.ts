// Another program may hold the database for writing. While a client is served, no write waits long
// for it: a write fails soon, and at once while the other program still holds the database. The
// caller tries again.
import type { DatabaseSync } from "@photostructure/sqlite";
import { isHeldElsewhere } from "../base/heldDatabase.js";

/** How long the writes of one connection wait. */
export class HeldFile {
  readonly #sqlite: InstanceType<typeof DatabaseSync>;
  /** Undefined means as long as when it was opened. */
  #briefMs: number | undefined;
  #isHeld = false;
  #listener: (isHeld: boolean) => void = () => {};

  constructor(sqlite: InstanceType<typeof DatabaseSync>) {
    this.#sqlite = sqlite;
  }

  /**
   * From now on a write waits so many milliseconds at most where another program holds the file, and not
   * at all while it goes on to: whoever writes tries again later (`StorageFailed`, `databaseLocked`).
   */
  waitBriefly(ms: number): void {
    this.#briefMs = ms;
    this.#isHeld = false;
    this.#wait(ms);
  }

  /** Whether another program was found to hold the file, and not to have released it yet. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  /**
   * Calls `listener` when another program is found to hold the file, and when it has released it.
   */
  listen(listener: (isHeld: boolean) => void): void {
    this.#listener = listener;
  }

  /** Makes a write that takes the file; its failure is a domain error. */
  take<T>(write: () => T): T {
    try {
      const result = write();
      if (this.#isHeld) this.#holds(false);
      return result;
    } catch (error) {
      if (isHeldElsewhere(error) && !this.#isHeld) this.#holds(true);
      throw error;
    }
  }

  #holds(isHeld: boolean): void {
    if (this.#briefMs === undefined) return;
    this.#isHeld = isHeld;
    this.#wait(isHeld ? 0 : this.#briefMs);
    this.#listener(isHeld);
  }

  #wait(ms: number): void {
    this.#sqlite.exec(`PRAGMA busy_timeout = ${ms}`);
  }
}
