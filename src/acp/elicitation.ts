// Puts a tool server's question to the editor, as a form (protocol.md section 7).
import type { AgentContext } from "@agentclientprotocol/sdk";
import type { InputAnswer, InputRequest } from "../protocol/registry.js";

/** Asks, and resolves with the answer. */
export async function elicit(
  { message, schema }: InputRequest,
  {
    client,
    sessionId,
    signal,
  }: { readonly client: AgentContext; readonly sessionId: string; readonly signal: AbortSignal },
): Promise<InputAnswer> {
  const answer = await client.request<InputAnswer>(
    "elicitation/create",
    { mode: "form", sessionId, message, requestedSchema: { type: "object", ...schema } },
    { cancellationSignal: signal, stopWaitingOnCancel: true },
  );
  return answer;
}
