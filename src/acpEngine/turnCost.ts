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
  /** What the turn has cost under servers that were lost. */
  readonly #lost: number;
  #firstTold: number | undefined;
  #added = 0;

  /** Begins with what the session has cost by now. */
  constructor(
    { sink, begun }: Pick<TurnRequest, "sink" | "begun">,
    opened: OpenedSession,
    { engine, bounds }: { readonly engine: string; readonly bounds: TurnBounds },
  ) {
    this.#request = { sink };
    this.#engine = engine;
    this.#bound = bounds.costUsd;
    this.#opened = opened;
    this.#before = opened.state.costBefore;
    this.#lost = begun?.progress?.costUsd ?? 0;
  }

  /** What the turn has cost so far, in US dollars, as far as it is known. */
  get spent(): number {
    return this.#lost + this.#spentHere;
  }

  /** How the turn must end if it has cost too much. */
  get exceeded(): TurnEnd | undefined {
    const { spent } = this;
    const bound = this.#bound;
    if (bound === undefined || spent < bound.most) return undefined;
    const message = `The turn was ended: it has cost $${spent.toFixed(4)} (${bound.field}: ${bound.most}).`;
    return failedEnd(message, "BudgetExceeded", "limit");
  }

  /**
   * The agent has told something. If the turn has cost more than before, a model call is finished, and
   * `onMore` is called. Returns how the turn must end if it has cost too much.
   */
  told(onMore: () => void): TurnEnd | undefined {
    const { cost } = this.#opened.state;
    if (cost === undefined) return undefined;
    this.#firstTold ??= cost;
    this.#addNew(onMore);
    return this.exceeded;
  }

  /** Adds the rest of what the turn has cost, once it is over. */
  add(): void {
    const { sink } = this.#request;
    if (this.#bound !== undefined && this.#firstTold === undefined && !this.exceeded) {
      sink.warn(
        `The engine ${this.#engine} did not tell what the turn has cost, so ${this.#bound.field} was not kept.`,
      );
    }
    this.#addNew();
  }

  get #spentHere(): number {
    const { cost } = this.#opened.state;
    const from = this.#before ?? this.#firstTold;
    return cost === undefined || from === undefined ? 0 : Math.max(0, cost - from);
  }

  /** Adds what is new, with the progress in one commit: a loss of the server must not lose it. */
  #addNew(onMore?: () => void): void {
    const { sink } = this.#request;
    const cost = this.#spentHere - this.#added;
    if (cost <= 0) return;
    this.#added += cost;
    const isWhole = this.#before !== undefined;
    const add = () => {
      if (isWhole) sink.addUsage({ promptTokens: 0, completionTokens: 0, cost });
      onMore?.();
    };
    if (sink.together === undefined) add();
    else sink.together(add);
  }
}
