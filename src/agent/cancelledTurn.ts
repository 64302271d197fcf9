import { cancelled } from "./outcome.js";
import type { Prompt, TurnOutcome, TurnSink } from "./ports.js";
import { storeUserMessage } from "./userMessage.js";

/**
 * Stores what is kept of a turn that was cancelled before it began: the user's message, and an
 * assistant message finished with `cancelled` (contract section 4, Cancel).
 */
export function recordCancelledTurn(prompt: Prompt, sink: TurnSink): TurnOutcome {
  storeUserMessage(prompt, sink);
  const reply = sink.createMessage({ role: "assistant" });
  reply.finish("cancelled");
  return cancelled(reply);
}
