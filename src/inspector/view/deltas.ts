/** Messages that bring a piece of a text: Turnwire's deltas, and ACP's chunks. */
import { at, textAt } from "./members.js";

/** ACP's updates that are pieces of a text. */
export const chunkKinds = ["agent_message_chunk", "agent_thought_chunk", "user_message_chunk"];

/** To which text a message brings a piece, and the piece; undefined where it brings none. */
export function deltaOf(message: unknown): { key: string; text: string } | undefined {
  const method = textAt(message, "method");
  const params = at(message, "params");
  if (method === "messageDelta") {
    const text = textAt(params, "delta");
    const part = [at(params, "messageId"), at(params, "partIndex"), at(params, "kind")];
    return text === undefined ? undefined : { key: part.join(" "), text };
  }
  const kind = method === "session/update" ? textAt(params, "update", "sessionUpdate") : undefined;
  if (kind === undefined || !chunkKinds.includes(kind)) return undefined;
  const text = textAt(params, "update", "content", "text");
  return text === undefined ? undefined : { key: `${textAt(params, "sessionId")} ${kind}`, text };
}

/** The same message with another piece. */
export function withDeltaText(message: unknown, text: string): unknown {
  const params = at(message, "params");
  const update = at(params, "update");
  const content = { ...asObject(at(update, "content")), text };
  const changed =
    update === undefined ? { delta: text } : { update: { ...asObject(update), content } };
  return { ...asObject(message), params: { ...asObject(params), ...changed } };
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
