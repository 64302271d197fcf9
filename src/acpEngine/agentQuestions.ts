// The permissions that an agent asks for in one turn.
import type { Limits } from "../config/types.js";
import type { Permissions } from "../permissions/types.js";
import { decide, optionFor } from "./permissionAnswer.js";
import { type NeedsWhere, permissionNeeds } from "./permissionNeeds.js";
import { type Json, object } from "./reading.js";
import type { ToolCallFields } from "./toolCallFields.js";
import { failedEnd, type TurnEnd } from "./turnOutcome.js";
import type { UnaskedCalls } from "./unaskedCalls.js";

/** What the questions of a turn need. */
export interface AgentQuestionsOptions {
  readonly permissions: Permissions;
  readonly unasked: UnaskedCalls;
  readonly where: NeedsWhere;
  readonly limits: Pick<Limits, "maxDenials">;
  /** Aborted when the turn stops or is over. */
  readonly signal: AbortSignal;
  /** Takes what is told of a call. Undefined if that cannot be taken. */
  told(call: Json): ToolCallFields | undefined;
  /** The permission of a call was refused. */
  denied(id: string): void;
  /** The user has accepted the agent's plan. */
  leavePlan(): void;
  /** Tells the completion what a person should know. */
  warn(warning: string): void;
  /** Ends the turn. */
  stop(end: TurnEnd): void;
  /** The permissions that were refused in the turn under servers that were lost: all, the last in a row. */
  readonly before: { readonly all: number; readonly inRow: number };
}

const allowsForGood =
  "The engine offers no way to allow this once: if you allow it, it may not ask again for calls like it.";
const keptForGood =
  "The engine offered no way to decide about a call once, so it may not ask again for calls like it:";

/** Answers `session/request_permission`. */
export class AgentQuestions {
  readonly #options: AgentQuestionsOptions;
  readonly #open = new Set<Promise<object>>();
  #denials: number;
  #denialsInRow: number;

  constructor(options: AgentQuestionsOptions) {
    this.#options = options;
    this.#denials = options.before.all;
    this.#denialsInRow = options.before.inRow;
  }

  /** How many were denied. */
  get denials(): number {
    return this.#denials;
  }

  /** Counts something that the rules forbid. */
  denied(): void {
    this.#denials += 1;
  }

  /** The answer. Rejects if the agent has withdrawn the question. */
  async answer(params: Json, asking: AbortSignal): Promise<object> {
    const answer = this.#answer(params, asking);
    this.#open.add(answer);
    try {
      return await answer;
    } finally {
      this.#open.delete(answer);
    }
  }

  /** Resolves once no question is open. Call it when the signal is aborted. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#open);
  }

  async #answer(params: Json, asking: AbortSignal): Promise<object> {
    const { told, denied, unasked, where, permissions, signal, leavePlan, warn } = this.#options;
    const refused = { outcome: { outcome: "cancelled" } };
    // It may be a call that was not told before, whatever the agent says that it is.
    const call = told({ ...object(params.toolCall), sessionUpdate: undefined });
    if (call === undefined || signal.aborted) return refused;
    unasked.asked(call.id);
    try {
      const isForGood = optionFor(params.options, true).isForGood;
      const needs = (await permissionNeeds(call, where)).map((need) =>
        isForGood ? { ...need, description: `${need.description}\n${allowsForGood}` } : need,
      );
      const { isAllowed } = await decide(permissions, needs, AbortSignal.any([signal, asking]));
      this.#count(isAllowed);
      if (!isAllowed) denied(call.id);
      else unasked.allowed(call, needs);
      if (isAllowed && needs.some(({ action }) => action === "leavePlan")) leavePlan();
      const chosen = optionFor(params.options, isAllowed);
      if (chosen.isForGood) warn(`${keptForGood} ${call.title || call.name}`);
      return { outcome: chosen.outcome };
    } catch (error) {
      // The turn is cancelled: that is the answer. A question that the agent has withdrawn gets an error.
      if (signal.aborted) return refused;
      throw error;
    }
  }

  #count(isAllowed: boolean): void {
    this.#denialsInRow = isAllowed ? 0 : this.#denialsInRow + 1;
    if (!isAllowed) this.#denials += 1;
    if (this.#denialsInRow < this.#options.limits.maxDenials) return;
    const message = `${this.#denialsInRow} permissions in a row were denied.`;
    this.#options.stop(failedEnd(message, "PermissionDenied", "limit"));
  }
}
