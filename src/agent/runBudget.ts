// What a run may use (protocol.md section 4, Bounds of a run): model calls, money and tokens. What its
// sub-tasks and its summaries use counts too.
import type { Usage } from "../protocol/objects/run.js";
import type { TurnFailure } from "./outcome.js";

/** The most of each. */
export interface RunBounds {
  /** Model calls; those that write summaries do not count. */
  readonly steps: number;
  /** Where the bound of the steps stands, for the error. */
  readonly stepsField?: string;
  /** US dollars. Undefined: not bounded. */
  readonly costUsd?: number | undefined;
  /** Tokens sent and received. Undefined: not bounded. */
  readonly tokens?: number | undefined;
}

/** Counts what a run uses. */
export class RunBudget {
  readonly #bounds: RunBounds;
  #steps = 0;
  #costUsd = 0;
  #tokens = 0;

  constructor(bounds: RunBounds) {
    this.#bounds = bounds;
  }

  /** Why no further model call may be made; undefined if one may be made. */
  get exceeded(): TurnFailure | undefined {
    const { steps, stepsField = "limits.maxSteps", costUsd, tokens } = this.#bounds;
    if (this.#steps >= steps) {
      const message = `The turn was ended after ${steps} model calls (${stepsField}).`;
      return { errorName: "StepLimit", message, cause: "limit" };
    }
    if (costUsd !== undefined && this.#costUsd >= costUsd) {
      return exceeded(`cost $${this.#costUsd.toFixed(4)}`, "limits.costUsd", costUsd);
    }
    if (tokens !== undefined && this.#tokens >= tokens) {
      return exceeded(`used ${this.#tokens} tokens`, "limits.tokens", tokens);
    }
    return undefined;
  }

  /** Takes one model call; returns whether one was left. Sub-tasks take theirs at the same time. */
  take(): boolean {
    if (this.exceeded !== undefined) return false;
    this.#steps++;
    return true;
  }

  /** Gives a model call back: it was refused as too long, and is made again when there is room. */
  giveBack(): void {
    this.#steps--;
  }

  /** Counts what a model call used. */
  spend({ promptTokens, completionTokens, cost }: Usage): void {
    this.#costUsd += cost;
    this.#tokens += promptTokens + completionTokens;
  }
}

function exceeded(what: string, field: string, most: number): TurnFailure {
  const message = `The turn was ended: its model calls have ${what} (${field}: ${most}).`;
  return { errorName: "BudgetExceeded", message, cause: "limit" };
}
