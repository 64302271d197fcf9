import { defined } from "../base/defined.js";
import type { CompletionContent } from "../events/outbox.js";

/** A turn's completion that was just written. */
export interface TurnCompletion {
  readonly completionId: string;
  readonly runId: string | undefined;
  readonly content: CompletionContent;
}

/**
 * The completion of a run that joined a turn (protocol.md section 4, The queue). It says how the turn
 * ended. What the turn used is not told again, so that nobody counts it twice.
 */
export function joinedCompletion(turn: TurnCompletion): CompletionContent {
  const { usage: _, denials: _denials, warnings: _warnings, ...content } = turn.content;
  const { completionId, runId } = turn;
  return {
    ...content,
    steps: 0,
    foldedPrompts: 0,
    joined: { completionId, ...defined({ runId }) },
  };
}
