// Looks at what an agent did without asking (docs/engines.md). Nothing can prevent that; but what the
// rules forbid ends the turn, and is told.
import { messageOf } from "../base/errors.js";
import type { Permissions } from "../permissions/types.js";
import { decide } from "./permissionAnswer.js";
import { type NeedsWhere, permissionNeeds } from "./permissionNeeds.js";
import type { ToolCallFields } from "./toolCallFields.js";

/** Kinds of calls that reach nothing outside of the agent. */
const harmless = ["think", "switch_mode"];

/** The calls of one turn that nobody was asked about. */
export class UnaskedCalls {
  readonly #rules: Permissions;
  readonly #where: NeedsWhere;
  readonly #onForbidden: (call: ToolCallFields, why: string) => void;
  readonly #known = new Set<string>();
  readonly #checks: Promise<void>[] = [];

  /** @param rules decides by the rules alone: what they do not forbid is allowed. */
  constructor(
    rules: Permissions,
    where: NeedsWhere,
    onForbidden: (call: ToolCallFields, why: string) => void,
  ) {
    this.#rules = rules;
    this.#where = where;
    this.#onForbidden = onForbidden;
  }

  /** A permission for the call is asked for. */
  asked(id: string): void {
    this.#known.add(id);
  }

  /** Takes what was told of a call: once it has ended without a question, the rules are asked. */
  told(call: ToolCallFields, signal: AbortSignal): void {
    if (call.status !== "completed" || this.#known.has(call.id)) return;
    this.#known.add(call.id);
    if (!harmless.includes(call.kind)) this.#checks.push(this.#check(call, signal));
  }

  /** Resolves once every call is looked at. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all(this.#checks);
  }

  /** Never rejects. */
  async #check(call: ToolCallFields, signal: AbortSignal): Promise<void> {
    try {
      const needs = await permissionNeeds(call, this.#where);
      const { isAllowed, message } = await decide(this.#rules, needs, signal);
      if (!isAllowed) this.#onForbidden(call, message ?? "Permission is denied.");
    } catch (error) {
      // What cannot be checked is not allowed, unless the turn is over.
      if (!signal.aborted) this.#onForbidden(call, messageOf(error));
    }
  }
}
