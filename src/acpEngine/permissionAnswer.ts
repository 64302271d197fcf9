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

/** An agent's option for a decision. */
interface Chosen {
  readonly outcome: Json;
  /** Whether the agent may keep the decision for later calls: it offers no other. */
  readonly isForGood: boolean;
}

/**
 * The agent's option for a decision. What is allowed is allowed once: grants for a session are kept
 * here, so that a deny rule that is added later holds. An agent that offers to decide for good alone gets
 * that; without any fitting option, the call is refused.
 */
export function optionFor(options: unknown, isAllowed: boolean): Chosen {
  const [once, always] = isAllowed
    ? (["allow_once", "allow_always"] as const)
    : (["reject_once", "reject_always"] as const);
  const optionOf = (kind: string) =>
    objects(options).find((one) => one.kind === kind && text(one.optionId) !== undefined);
  const found = optionOf(once);
  const chosen = found ?? optionOf(always);
  if (chosen === undefined) return { outcome: { outcome: "cancelled" }, isForGood: false };
  const { optionId } = chosen;
  return { outcome: { outcome: "selected", optionId }, isForGood: found === undefined };
}
