// Puts a question about a permission to the editor (protocol.md section 7).
import type {
  AgentContext,
  PermissionOption,
  PermissionOptionKind,
  ToolCallUpdate,
} from "@agentclientprotocol/sdk";
import type { PermissionChoice } from "../protocol/objects/permissionChoice.js";
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";

/** One option of each kind: editors keep no second one. */
const offered: Readonly<
  Partial<Record<PermissionChoice, { kind: PermissionOptionKind; name: string }>>
> = {
  allow: { kind: "allow_once", name: "Allow" },
  allowForSession: { kind: "allow_always", name: "Allow for this session" },
  deny: { kind: "reject_once", name: "Deny" },
};

/** What a question is put with. */
export interface Asking {
  readonly client: AgentContext;
  readonly sessionId: string;
  readonly toolCall: ToolCallUpdate;
  /** Aborted when the question is withdrawn, or has waited too long. */
  readonly signal: AbortSignal;
}

/** Asks, and resolves with the answer; everything that is no answer is `deny`. */
export async function askPermission(
  question: PermissionQuestion,
  { client, sessionId, toolCall, signal }: Asking,
): Promise<PermissionAnswer> {
  const { outcome } = await client.request(
    "session/request_permission",
    { sessionId, toolCall, options: optionsOf(question.choices) },
    { cancellationSignal: signal, stopWaitingOnCancel: true },
  );
  if (outcome.outcome !== "selected") return { decision: "deny" };
  const decision = question.choices.find((choice) => choice === outcome.optionId);
  return { decision: decision ?? "deny" };
}

function optionsOf(choices: readonly PermissionChoice[]): PermissionOption[] {
  return choices.flatMap((choice) => {
    const option = offered[choice];
    return option === undefined ? [] : [{ optionId: choice, ...option }];
  });
}
