// Looks at calls that an agent changes after they were allowed (docs/engines.md). The agent makes its calls
// itself, so nothing can prevent that: but what the rules forbid ends the turn, and what nobody has allowed
// is asked about anew.
import { messageOf } from "../base/errors.js";
import type { PermissionNeed, Permissions } from "../permissions/types.js";
import { decide } from "./permissionAnswer.js";
import { type NeedsWhere, permissionNeeds } from "./permissionNeeds.js";
import type { ToolCallFields } from "./toolCallFields.js";

/** What looking at them needs. */
export interface ChangedCallsOptions {
  readonly engine: string;
  /** Decides by the rules alone: what they do not forbid is allowed. */
  readonly rules: Permissions;
  /** Decides by the rules and the mode, and asks the client. */
  readonly permissions: Permissions;
  readonly where: NeedsWhere;
  /** Aborted when the turn stops or is over. */
  readonly signal: AbortSignal;
  /** Tells the completion what a person should know. */
  warn(warning: string): void;
  /** Something was done that is not allowed. */
  onForbidden(message: string): void;
}

/** What was allowed of one call. */
interface Allowed {
  /** Everything that it said of itself so far, as {@link ToolCallFields.acts}. */
  readonly acts: Set<string>;
  readonly needs: Set<string>;
  /** Whether it said what it reaches when it was allowed; what it tells later is no change then. */
  readonly wasKnown: boolean;
}

/** The most changes of calls in one turn: more is a program that runs wild. */
const mostChanges = 1_000;

/** The calls of one turn that were allowed. */
export class ChangedCalls {
  readonly #options: ChangedCallsOptions;
  readonly #allowed = new Map<string, Allowed>();
  readonly #asking = new Set<Promise<void>>();
  #checked: Promise<void> = Promise.resolve();
  #changes = 0;

  constructor(options: ChangedCallsOptions) {
    this.#options = options;
  }

  /** A call was allowed, with these needs. */
  allowed(call: ToolCallFields, needs: readonly PermissionNeed[]): void {
    const concrete = needs.filter(isConcrete);
    this.#allowed.set(call.id, {
      acts: new Set([call.acts]),
      needs: new Set(concrete.map(nameOf)),
      wasKnown: concrete.length > 0 && !call.isVague,
    });
  }

  /** Takes what was told of a call. */
  told(call: ToolCallFields): void {
    const allowed = this.#allowed.get(call.id);
    if (allowed === undefined || this.#changes > mostChanges || allowed.acts.has(call.acts)) return;
    allowed.acts.add(call.acts);
    this.#changes += 1;
    if (this.#changes > mostChanges) {
      this.#forbid(call, `It was the change number ${this.#changes} in one turn.`);
      return;
    }
    const now = call.copy();
    this.#checked = this.#checked.then(() => this.#check(now, allowed));
  }

  /** Resolves once the rules have decided about every change. Never rejects. */
  settled(): Promise<void> {
    return this.#checked;
  }

  /** Resolves once nobody is asked any more. Call it when the signal is aborted. Never rejects. */
  async withdrawn(): Promise<void> {
    await Promise.all(this.#asking);
  }

  /** Never rejects. */
  async #check(call: ToolCallFields, { needs: known, wasKnown }: Allowed): Promise<void> {
    const { rules, where, signal } = this.#options;
    try {
      const needs = (await permissionNeeds(call, where)).filter(
        (need) => isConcrete(need) && !known.has(nameOf(need)),
      );
      const { isAllowed, message = "" } = await decide(rules, needs, signal);
      if (!isAllowed) return this.#forbid(call, message);
      for (const need of needs) known.add(nameOf(need));
      if (!wasKnown || call.isVague) return;
      // The rules have decided about those that only deny.
      const open = needs.filter(({ denyOnly }) => denyOnly !== true);
      const asking = this.#ask(call, open).finally(() => this.#asking.delete(asking));
      this.#asking.add(asking);
    } catch (error) {
      this.#failed(call, error);
    }
  }

  /** Never rejects. */
  async #ask(call: ToolCallFields, needs: readonly PermissionNeed[]): Promise<void> {
    const { permissions, signal, engine, warn } = this.#options;
    const changed = `The engine ${engine} changed this call after it was allowed`;
    try {
      for (const need of needs) {
        const { description } = need;
        const question = { ...need, description: `${description}\n${changed}.` };
        const verdict = await permissions.check(question, signal, () =>
          warn(`${changed}: ${description}`),
        );
        if (!verdict.allowed) return this.#forbid(call, verdict.message);
      }
    } catch (error) {
      this.#failed(call, error);
    }
  }

  /** What cannot be checked is not allowed, unless the turn is over. */
  #failed(call: ToolCallFields, error: unknown): void {
    if (!this.#options.signal.aborted) this.#forbid(call, messageOf(error));
  }

  #forbid({ shown }: ToolCallFields, why: string): void {
    const { engine, onForbidden } = this.#options;
    onForbidden(`The engine ${engine} changed ${shown} after it was allowed. ${why}`);
  }
}

/** Whether it tells what the call reaches, and not only how the agent calls it. */
function isConcrete({ subject }: PermissionNeed): boolean {
  return subject.kind !== "tool";
}

function nameOf({ tool, action, subject, cwd, path }: PermissionNeed): string {
  return JSON.stringify([tool, action, subject.value, cwd, path]);
}
