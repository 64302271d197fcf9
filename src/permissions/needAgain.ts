// A question that waits for somebody, worked out again with what holds then (protocol.md section 7,
// Questions that wait).
import type { ToolQuestion } from "../protocol/registry.js";
import type { PermissionNeed, PermissionVerdict } from "./types.js";

/** The question as it is now; undefined if nobody needs to be asked any more. */
export type AskedAnew = () => Promise<ToolQuestion | undefined>;

/** A need whose question is open. */
export class NeedAgain {
  readonly #need: PermissionNeed;
  readonly #outcome: (now: PermissionNeed) => Promise<PermissionVerdict | ToolQuestion>;
  /** Set once nobody needs to be asked any more; gives the verdict, or throws why the call failed. */
  settled: (() => PermissionVerdict) | undefined;

  /** `outcome` decides about a need: the verdict, or the question if somebody has to be asked. */
  constructor(
    need: PermissionNeed,
    outcome: (now: PermissionNeed) => Promise<PermissionVerdict | ToolQuestion>,
  ) {
    this.#need = need;
    this.#outcome = outcome;
  }

  /** See {@link AskedAnew}. Rejects only with the signal's reason. */
  async question(signal: AbortSignal): Promise<ToolQuestion | undefined> {
    try {
      const now = { ...this.#need, ...(await this.#need.changeNow?.()) };
      signal.throwIfAborted();
      const outcome = await this.#outcome(now);
      if (!("allowed" in outcome)) return outcome;
      this.settled = () => outcome;
    } catch (error) {
      signal.throwIfAborted();
      this.settled = () => {
        throw error;
      };
    }
    return undefined;
  }
}
