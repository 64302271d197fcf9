// The ways in which a turn ends without success: each stores a message that says so, and gives every tool
// call a result.
import type { TurnOutcome } from "../engine/engine.js";
import type { ModelFailure } from "../models/modelFailure.js";
import type { WholeReply } from "./begunReply.js";
import { cancelled, failed, type TurnFailure } from "./outcome.js";
import { type RequestedCall, StreamedReply } from "./streamedReply.js";
import type { ToolCallIds } from "./toolCallIds.js";
import type { ToolCalls } from "./toolCalls.js";
import type { TurnInput, TurnPorts } from "./turn.js";

/** The ends of one turn. */
export class TurnEnds {
  readonly #input: TurnInput;
  readonly #ports: TurnPorts;
  readonly #parts: { readonly tools: ToolCalls; readonly toolCallIds: ToolCallIds };

  constructor(
    input: TurnInput,
    ports: TurnPorts,
    parts: { readonly tools: ToolCalls; readonly toolCallIds: ToolCallIds },
  ) {
    this.#input = input;
    this.#ports = ports;
    this.#parts = parts;
  }

  /**
   * Ends the message of a failed try whose call is made again in another way. Its content is
   * invalid.
   */
  giveUp(reply: StreamedReply, failure: ModelFailure): void {
    if (!reply.hasBegun) return;
    reply.restart();
    reply.writer.finish("error", failure.message);
  }

  /** Why the turn must end, if one of the calls should have given the output. */
  missed(calls: readonly RequestedCall[]): TurnFailure | undefined {
    const { output } = this.#input;
    return calls.some(({ name }) => name === output?.tool.name) ? output?.missed() : undefined;
  }

  cancelled(reply: WholeReply = this.#newReply()): TurnOutcome {
    const overTime = this.#input.overTime?.();
    if (overTime !== undefined) return this.failed(overTime, reply);
    this.#parts.tools.cutOff(reply.end(), reply.writer, "cancelled");
    reply.writer.finish("cancelled");
    return cancelled(reply.writer);
  }

  failed(failure: TurnFailure, reply: WholeReply = this.#newReply()): TurnOutcome {
    this.#parts.tools.cutOff(reply.end(), reply.writer, "failed");
    reply.writer.finish("error", failure.message);
    return failed(failure, reply.writer);
  }

  filtered(reply: WholeReply): TurnOutcome {
    const { provider } = this.#input.model.info;
    const message = `The provider "${provider}" withheld the reply: its content filter stopped the model. Say it in another way.`;
    this.#parts.tools.cutOff(reply.end(), reply.writer, "failed");
    reply.writer.finish("contentFilter", message);
    return failed({ errorName: "ContentFilter", message, cause: "provider" }, reply.writer);
  }

  #newReply(): StreamedReply {
    const { info } = this.#input.model;
    return new StreamedReply(this.#ports.sink, info, this.#ports.ids, this.#parts.toolCallIds);
  }
}
