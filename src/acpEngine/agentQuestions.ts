// The permissions that an agent asks for in one turn.
import type { Limits } from "../config/types.js";
import type { Permissions } from "../permissions/types.js";
import { decide, optionFor } from "./permissionAnswer.js";
import { type NeedsWhere, permissionNeeds } from "./permissionNeeds.js";
import { type Json, object } from "./reading.js";
import type { TurnMessages } from "./turnMessages.js";
import { failedEnd, type TurnEnd } from "./turnOutcome.js";
import type { UnaskedCalls } from "./unaskedCalls.js";

/** What the questions of a turn need. */
export interface AgentQuestionsOptions {
  readonly permissions: Permissions;
  readonly messages: TurnMessages;
  readonly unasked: UnaskedCalls;
  readonly where: NeedsWhere;
  readonly limits: Pick<Limits, "maxDenials">;
  /** Aborted when the turn stops. */
  readonly signal: AbortSignal;
  /** The user has accepted the agent's plan. */
  leavePlan(): void;
  /** Ends the turn. */
  stop(end: TurnEnd): void;
}

/** Answers `session/request_permission`. */
export class AgentQuestions {
  readonly #options: AgentQuestionsOptions;
  #denials = 0;
  #denialsInRow = 0;

  constructor(options: AgentQuestionsOptions) {
    this.#options = options;
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
    const { messages, unasked, where, permissions, signal, leavePlan } = this.#options;
    const call = messages.toolCall({ ...object(params.toolCall) });
    const refused = { outcome: { outcome: "cancelled" } };
    if (call === undefined || signal.aborted) return refused;
    unasked.asked(call.id);
    try {
      const needs = await permissionNeeds(call, where);
      const { isAllowed } = await decide(permissions, needs, AbortSignal.any([signal, asking]));
      this.#count(isAllowed);
      if (!isAllowed) messages.deny(call.id);
      else if (needs.some(({ action }) => action === "leavePlan")) leavePlan();
      return { outcome: optionFor(params.options, isAllowed) };
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
