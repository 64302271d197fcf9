import { messageOf } from "../base/errors.js";
import type { KeptBound, KeptBoundOptions } from "./keptBound.js";

/** The bound of what is kept; its code is loaded when it is first used. */
export class LateBound implements Pick<KeptBound, "room" | "recount" | "giveUpBefore" | "close"> {
  readonly #options: KeptBoundOptions;
  #loading: Promise<KeptBound> | undefined;
  #isClosed = false;

  constructor(options: KeptBoundOptions) {
    this.#options = options;
  }

  /** See `KeptBound.room`. */
  room(bytes: number): Promise<boolean> {
    return this.#with(true, (bound) => bound.room(bytes));
  }

  /** See `KeptBound.recount`. */
  recount(): Promise<boolean> {
    return this.#with(true, (bound) => bound.recount());
  }

  /** See `KeptBound.giveUpBefore`. */
  giveUpBefore(time: number): Promise<boolean> {
    return this.#with(false, (bound) => bound.giveUpBefore(time));
  }

  /** Begins nothing more, and waits for what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#with(false, async (bound) => bound.close().then(() => true));
  }

  /** Code that cannot be loaded is told to the log, like a disk that fails, and gives `instead`. */
  async #with(instead: boolean, use: (bound: KeptBound) => Promise<boolean>): Promise<boolean> {
    if (this.#isClosed && this.#loading === undefined) return instead;
    try {
      this.#loading ??= import("./keptBound.js").then(
        ({ KeptBound: Bound }) => new Bound(this.#options),
      );
      return await use(await this.#loading);
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, "what is kept could not be bounded");
      return instead;
    }
  }
}
