// Checks a reply: it must be whole, not too long, and contain what its end announces.
import type { LanguageModelV3FinishReason, LanguageModelV3StreamPart } from "@ai-sdk/provider";
import type { CallPurpose } from "../models/callNote.js";
import { GarbledReplyError } from "../models/errorFacts.js";
import { endsThought } from "../models/thoughtMark.js";

/** The longest reply, in UTF-16 units, and the most parts of one. Real replies are far shorter. */
const longestReply = 16 * 1024 * 1024;
const mostParts = 2_000;

/** The finish reasons with which providers report a failed reply. */
const broken =
  /^(error|abort(ed)?|cancell?ed|failed|failure|interrupted|timeout|unknown|other|finish_reason_unspecified|unexpected_tool_call|malformed_\w+|too_many_tool_calls|missing_thought_signature|network_error|server_error|engine_\w+|insufficient_system_resource)$/i;

/** Watches over the stream of one reply. */
export class ReplyCheck {
  #units = 0;
  #parts = 0;
  #hasSaid = false;
  #calls = 0;
  #hasNamelessCall = false;

  /** Whether the reply, including this part of its stream, is short enough to be kept. */
  admits(part: LanguageModelV3StreamPart): boolean {
    if ("delta" in part) this.#units += part.delta.length;
    else if (part.type.endsWith("-start") || part.type === "tool-call") this.#parts++;
    if (part.type === "text-delta") this.#hasSaid ||= part.delta.trim() !== "";
    // The text is the first thing of such a reply, so nothing else has been said.
    if (endsThought(part)) this.#hasSaid = false;
    if (part.type === "tool-call" && part.providerExecuted !== true) this.#calls++;
    if (part.type === "tool-call" || part.type === "tool-input-start") {
      this.#hasNamelessCall ||= part.toolName.trim() === "";
      this.#hasSaid ||= part.providerExecuted === true;
    }
    return this.#units <= longestReply && this.#parts <= mostParts;
  }

  /**
   * What is wrong with a reply that has ended in this way; undefined if it is whole.
   *
   * @param purpose what the call was for; the text of a title or a summary is checked elsewhere.
   */
  problemOf({ unified, raw }: LanguageModelV3FinishReason, purpose: CallPurpose): unknown {
    const isEmpty = !this.#hasSaid && this.#calls === 0;
    if (raw === "model_context_window_exceeded" && isEmpty) {
      return { code: "context_window_exceeded", message: "the model's context window is exceeded" };
    }
    const isBroken = purpose === "turn" && broken.test(raw ?? "");
    if (unified === "error" || isBroken) {
      return new GarbledReplyError(`the reply ended with "${raw ?? "error"}"`);
    }
    if (purpose !== "turn") return undefined;
    if (this.#hasNamelessCall) {
      return new GarbledReplyError("the reply calls a tool without naming it");
    }
    if (unified === "tool-calls" && this.#calls === 0) {
      return new GarbledReplyError("the reply ended for a tool call and has none");
    }
    // Anthropic's models may end a turn without text when everything was said before.
    const mayBeEmpty = unified === "length" || unified === "content-filter" || raw === "end_turn";
    if (isEmpty && !mayBeEmpty) return new GarbledReplyError("the reply is empty");
    return undefined;
  }
}
