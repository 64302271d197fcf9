import { cutText } from "../base/text.js";
import { longestWarning, mostWarnings } from "../base/warnings.js";

/** What a completion tells a person beside its outcome: each thing once, few and short enough. */
export class RunWarnings {
  readonly #told = new Set<string>();
  #more = 0;

  add(warning: string): void {
    const told = cutText(warning, longestWarning);
    if (this.#told.has(told)) return;
    if (this.#told.size < mostWarnings - 1) this.#told.add(told);
    else this.#more++;
  }

  /** Undefined where there is none. */
  get list(): string[] | undefined {
    if (this.#told.size === 0) return undefined;
    const rest = this.#more === 0 ? [] : [`${this.#more} more are left out here.`];
    return [...this.#told, ...rest];
  }
}
