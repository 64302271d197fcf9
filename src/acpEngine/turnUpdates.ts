// Takes the updates that an agent sends in a turn.
import type { TurnSink } from "../engine/engine.js";
import type { Json } from "./reading.js";
import type { Steering } from "./steering.js";
import { tellContext, tellNotice, todosIn } from "./toldBeside.js";
import type { TurnCost } from "./turnCost.js";
import type { TurnMessages } from "./turnMessages.js";
import type { TurnEnd } from "./turnOutcome.js";
import type { UnaskedCalls } from "./unaskedCalls.js";

/** The parts of a turn that an update reaches. */
export interface UpdateParts {
  readonly sink: TurnSink;
  readonly messages: TurnMessages;
  readonly unasked: UnaskedCalls;
  readonly steering: Steering;
  readonly cost: TurnCost;
  /** Ends the turn. */
  stop(end: TurnEnd): void;
  /** Notes how far the turn has come. */
  progressed(): void;
}

/** Takes an update. Throws what keeps it from being stored. */
export function takeUpdate(update: Json, parts: UpdateParts): void {
  const { sink, messages, unasked, steering, cost } = parts;
  switch (update.sessionUpdate) {
    case "agent_message_chunk":
      messages.chunk("text", update);
      break;
    case "agent_thought_chunk":
      messages.chunk("reasoning", update);
      break;
    case "tool_call":
    case "tool_call_update": {
      const call = messages.toolCall(update);
      if (call !== undefined) unasked.told(call);
      if (messages.isBetweenCalls && steering.steer(sink)) messages.cut("toolUse");
      break;
    }
    case "plan":
      sink.setTodos(todosIn(update));
      break;
    case "notice":
      tellNotice(sink, update);
      break;
    case "usage_update": {
      tellContext(sink, update);
      const end = cost.told(() => parts.progressed());
      if (end !== undefined) parts.stop(end);
    }
  }
}
