// What a turn of an agent costs. The agent counts what its session has cost, so what it had cost before
// is taken off.
import type { TurnRequest } from "../engine/engine.js";
import type { OpenedSession } from "./openOwnSession.js";
import type { TurnBounds } from "./turnBounds.js";
import { failedEnd, type TurnEnd } from "./turnOutcome.js";

/** The cost of one turn. */
export class TurnCost {
  readonly #request: Pick<TurnRequest, "sink">;
  readonly #engine: string;
  readonly #bound: TurnBounds["costUsd"];
  readonly #opened: OpenedSession;
  /** Undefined where it is not known, as in a session that was loaded. */
  readonly #before: number | undefined;
  #firstTold: number | undefined;

  /** Begins with what the session has cost by now. */
  constructor(
    { sink }: Pick<TurnRequest, "sink">,
    opened: OpenedSession,
    { engine, bounds }: { readonly engine: string; readonly bounds: TurnBounds },
  ) {
    this.#request = { sink };
    this.#engine = engine;
    this.#bound = bounds.costUsd;
    this.#opened = opened;
    this.#before = opened.state.costBefore;
  }

  /** The agent has told something. Returns how the turn must end if it has cost too much. */
  told(): TurnEnd | undefined {
    const { cost } = this.#opened.state;
    if (cost === undefined) return undefined;
    this.#firstTold ??= cost;
    const bound = this.#bound;
    const spent = cost - (this.#before ?? this.#firstTold);
    if (bound === undefined || spent < bound.most) return undefined;
    const message = `The turn was ended: it has cost $${spent.toFixed(4)} (${bound.field}: ${bound.most}).`;
    return failedEnd(message, "BudgetExceeded", "limit");
  }

  /** Adds what the turn has cost, once it is over. */
  add(): void {
    const { sink } = this.#request;
    const { cost } = this.#opened.state;
    if (this.#bound !== undefined && this.#firstTold === undefined) {
      sink.warn(
        `The engine ${this.#engine} did not tell what the turn has cost, so ${this.#bound.field} was not kept.`,
      );
    }
    if (cost === undefined || this.#before === undefined || cost <= this.#before) return;
    sink.addUsage({ promptTokens: 0, completionTokens: 0, cost: cost - this.#before });
  }
}
