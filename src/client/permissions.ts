/** Answers `requestPermission` with the caller's handler; without a good answer it is `deny`. */
import type { PermissionAnswer, PermissionQuestion } from "../protocol/registry.js";

/**
 * Decides whether a tool may do something. `signal` is aborted when the question is withdrawn; then
 * the answer has no effect. An error that it throws is reported and counts as `deny`.
 */
export type PermissionHandler = (
  question: PermissionQuestion,
  context: { readonly signal: AbortSignal },
) => PermissionAnswer | Promise<PermissionAnswer>;

/** The answer to a question (protocol.md section 7). Never rejects. */
export async function answerPermission(
  handler: PermissionHandler | undefined,
  question: PermissionQuestion,
  signal: AbortSignal,
  reportError: (error: unknown) => void,
): Promise<PermissionAnswer> {
  if (handler === undefined) {
    return { decision: "deny", message: "The client has nobody to ask." };
  }
  try {
    return await handler(question, { signal });
  } catch (error) {
    if (!signal.aborted) reportError(error);
    return { decision: "deny", message: "The client could not ask." };
  }
}
