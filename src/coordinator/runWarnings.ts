import { cutText } from "../base/text.js";
import { longestWarning, mostWarnings } from "../base/warnings.js";

/** The warnings of a completion, for a person: without repetitions, few, and short. */
export class RunWarnings {
  readonly #told = new Set<string>();
  #more = 0;

  add(warning: string): void {
    const told = cutText(warning, longestWarning);
    if (this.#told.has(told)) return;
    if (this.#told.size < mostWarnings - 1) this.#told.add(told);
    else this.#more++;
  }

  /** Undefined if there is none. */
  get list(): string[] | undefined {
    if (this.#told.size === 0) return undefined;
    const rest = this.#more === 0 ? [] : [`${this.#more} more are left out here.`];
    return [...this.#told, ...rest];
  }
}
