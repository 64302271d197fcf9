// The budget of a run (protocol.md section 4, Bounds of a run): model calls, money and tokens. The use by its
// sub-tasks and its summaries counts too.
import type { Usage } from "../protocol/objects/run.js";
import type { TurnFailure } from "./outcome.js";

/** One bound. */
export interface RunBound {
  readonly most: number;
  /** The name of the option, or of the field of the configuration, that has it. The error names it. */
  readonly field: string;
}

/** The most of each. */
export interface RunBounds {
  /** Model calls. Calls that write summaries do not count. */
  readonly steps: RunBound;
  /** US dollars. Undefined if there is no bound. */
  readonly costUsd?: RunBound | undefined;
  /** Tokens sent and received. Undefined if there is no bound. */
  readonly tokens?: RunBound | undefined;
}

/** What a run has used. */
export interface UsedBudget {
  readonly steps: number;
  readonly costUsd: number;
  readonly tokens: number;
}

/** Counts the use of a run. */
export class RunBudget {
  readonly #bounds: RunBounds;
  #steps: number;
  #costUsd: number;
  #tokens: number;

  /** `used` was used before, under another server. */
  constructor(bounds: RunBounds, used: Partial<UsedBudget> = {}) {
    this.#bounds = bounds;
    this.#steps = used.steps ?? 0;
    this.#costUsd = used.costUsd ?? 0;
    this.#tokens = used.tokens ?? 0;
  }

  /** What was used so far. */
  get used(): UsedBudget {
    return { steps: this.#steps, costUsd: this.#costUsd, tokens: this.#tokens };
  }

  /** Why no further model call may be made; undefined if one may be made. */
  get exceeded(): TurnFailure | undefined {
    const { steps, costUsd, tokens } = this.#bounds;
    if (this.#steps >= steps.most) {
      const message = `The turn was ended after ${steps.most} model calls (${steps.field}).`;
      return { errorName: "StepLimit", message, cause: "limit" };
    }
    if (costUsd !== undefined && this.#costUsd >= costUsd.most) {
      return exceeded(`cost $${this.#costUsd.toFixed(4)}`, costUsd);
    }
    if (tokens !== undefined && this.#tokens >= tokens.most) {
      return exceeded(`used ${this.#tokens} tokens`, tokens);
    }
    return undefined;
  }

  /** Takes one model call. Returns whether one was left. Sub-tasks may take calls at the same time. */
  take(): boolean {
    if (this.exceeded !== undefined) return false;
    this.#steps++;
    return true;
  }

  /** Gives a model call back. It was refused as too long, and is made again when there is room. */
  giveBack(): void {
    this.#steps--;
  }

  /** Counts the use of a model call. */
  spend({ promptTokens, completionTokens, cost }: Usage): void {
    this.#costUsd += cost;
    this.#tokens += promptTokens + completionTokens;
  }
}

function exceeded(what: string, { field, most }: RunBound): TurnFailure {
  const message = `The turn was ended: its model calls have ${what} (${field}: ${most}).`;
  return { errorName: "BudgetExceeded", message, cause: "limit" };
}
