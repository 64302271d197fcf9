// Looks at what an agent did without asking (docs/engines.md). Nothing can prevent that; but what the
// rules forbid ends the turn, and is told.
import { messageOf } from "../base/errors.js";
import type { PermissionNeed } from "../permissions/types.js";
import { ChangedCalls, type ChangedCallsOptions } from "./changedCalls.js";
import { decide } from "./permissionAnswer.js";
import { permissionNeeds } from "./permissionNeeds.js";
import type { ToolCallFields } from "./toolCallFields.js";

/** Kinds of calls that reach nothing outside of the agent. */
const harmless = ["think", "switch_mode"];

/** The calls of one turn that nobody was asked about, or not about what they became. */
export class UnaskedCalls {
  readonly #options: ChangedCallsOptions;
  readonly #changed: ChangedCalls;
  readonly #known = new Set<string>();
  readonly #checks: Promise<void>[] = [];

  constructor(options: ChangedCallsOptions) {
    this.#options = options;
    this.#changed = new ChangedCalls(options);
  }

  /** A permission for the call is asked for. */
  asked(id: string): void {
    this.#known.add(id);
  }

  /** The call was allowed, with these needs. */
  allowed(call: ToolCallFields, needs: readonly PermissionNeed[]): void {
    this.#changed.allowed(call, needs);
  }

  /** Takes what was told of a call: once it has ended without a question, the rules are asked. */
  told(call: ToolCallFields): void {
    this.#changed.told(call);
    if (call.status !== "completed" || this.#known.has(call.id)) return;
    this.#known.add(call.id);
    if (!harmless.includes(call.kind)) this.#checks.push(this.#check(call));
  }

  /** Resolves once every call is looked at. Never rejects. */
  async settled(): Promise<void> {
    await Promise.all([...this.#checks, this.#changed.settled()]);
  }

  /** Resolves once nobody is asked any more. Call it when the signal is aborted. Never rejects. */
  withdrawn(): Promise<void> {
    return this.#changed.withdrawn();
  }

  /** Never rejects. */
  async #check(call: ToolCallFields): Promise<void> {
    const { rules, where, signal } = this.#options;
    try {
      const needs = await permissionNeeds(call, where);
      const { isAllowed, message } = await decide(rules, needs, signal);
      if (!isAllowed) this.#forbid(call, message ?? "Permission is denied.");
    } catch (error) {
      // What cannot be checked is not allowed, unless the turn is over.
      if (!signal.aborted) this.#forbid(call, messageOf(error));
    }
  }

  #forbid({ shown }: ToolCallFields, why: string): void {
    const { engine, onForbidden } = this.#options;
    onForbidden(`The engine ${engine} used ${shown} without asking. ${why}`);
  }
}
