// Answers an agent's question for permission: our rules decide first, then the client.
import type { Permissions } from "../permissions/types.js";
import { type Json, objects, text } from "./reading.js";

/** How a question was decided. */
interface Decided {
  readonly isAllowed: boolean;
  /** Why not, for a person. */
  readonly message?: string;
}

/** Decides about a call. Rejects with the signal's reason. */
export async function decide(
  permissions: Permissions,
  needs: Parameters<Permissions["check"]>[0][],
  signal: AbortSignal,
): Promise<Decided> {
  for (const need of needs) {
    const verdict = await permissions.check(need, signal);
    if (!verdict.allowed) return { isAllowed: false, message: verdict.message };
    if (verdict.input !== undefined) {
      return {
        isAllowed: false,
        message: "An engine's call cannot be changed, so it was refused.",
      };
    }
  }
  return { isAllowed: true };
}

/**
 * The agent's option for a decision. What is allowed is allowed once: grants for a session are kept
 * here, so that a deny rule that is added later holds. Without a fitting option, the call is refused.
 */
export function optionFor(options: unknown, isAllowed: boolean): Json {
  const kind = isAllowed ? "allow_once" : "reject_once";
  const found = objects(options).find(
    (one) => one.kind === kind && text(one.optionId) !== undefined,
  );
  if (found === undefined) return { outcome: "cancelled" };
  return { outcome: "selected", optionId: found.optionId };
}
