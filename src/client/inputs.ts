/** Answers `requestInput` with the caller's handler; without a good answer it is `decline`. */
import type { InputAnswer, InputRequest } from "../protocol/registry.js";

/**
 * Answers what a tool server wants to know from the user: `message` says what, and `schema` is a JSON
 * Schema of the answer. `signal` is aborted when the question is withdrawn; the answer changes nothing
 * then. What it throws is reported and is `decline`.
 */
export type InputHandler = (
  request: InputRequest,
  context: { readonly signal: AbortSignal },
) => InputAnswer | Promise<InputAnswer>;

/** The answer to a question (protocol.md section 7). Never rejects. */
export async function answerInput(
  handler: InputHandler | undefined,
  request: InputRequest,
  signal: AbortSignal,
  reportError: (error: unknown) => void,
): Promise<InputAnswer> {
  if (handler === undefined) return { action: "decline" };
  try {
    return await handler(request, { signal });
  } catch (error) {
    if (!signal.aborted) reportError(error);
    return { action: "decline" };
  }
}
