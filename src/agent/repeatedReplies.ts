// Ends a turn whose model repeats itself, and warns the model before. It counts on in a turn that another
// server has begun (protocol.md section 4, Going on after a loss).
import type { BegunTurn, HistoryMessage } from "../engine/engine.js";
import { callsOf } from "./begunReply.js";
import type { TurnFailure } from "./outcome.js";
import {
  Repetition,
  repetitionLimit,
  repetitionWarning,
  withRepetitionNote,
} from "./repetition.js";
import { type Settled, signatureOf } from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";

/** The replies of one turn, by their calls and the results of these. Equal calls in one reply are one. */
export class RepeatedReplies {
  readonly #repetition = new Repetition();
  /** How often the newest reply's calls and their results have come in a row. */
  #timesRound = 1;

  constructor(begun?: BegunTurn) {
    for (const signatures of repliesOf(begun?.messages ?? [])) this.#note(signatures);
  }

  /** Whether the turn must end because the reply repeats. `call` is its last one. */
  judge(signatures: ReadonlySet<string>, { name }: RequestedCall): TurnFailure | undefined {
    this.#note(signatures);
    if (this.#timesRound < repetitionLimit) return undefined;
    const message = `The turn was ended: the model called "${name}" over and over, each time with the same result.`;
    return { errorName: "ToolLoop", message, cause: "limit" };
  }

  /** The last result of the newest reply, with what the model is told if it repeats itself. */
  withWarning(settled: Settled): Settled {
    if (this.#timesRound < repetitionWarning) return settled;
    return { ...settled, output: withRepetitionNote(settled.output, this.#timesRound) };
  }

  #note(signatures: ReadonlySet<string>): void {
    this.#timesRound = this.#repetition.note(JSON.stringify([...signatures].sort()));
  }
}

/** The replies whose calls have ended, each as the texts that identify them. */
function repliesOf(messages: readonly HistoryMessage[]): ReadonlySet<string>[] {
  const parts = messages.flatMap((message) => message.parts);
  const results = new Map(
    parts.flatMap((part) => (part.type === "toolResult" ? [[part.toolCallId, part]] : [])),
  );
  return messages.flatMap((message) => {
    const states = message.parts.flatMap((part) => (part.type === "toolCall" ? part.state : []));
    // A reply whose last call was cancelled was not judged.
    if (states.length === 0 || states.at(-1) === "cancelled") return [];
    const ended = callsOf(message).flatMap((call, index) => {
      const result = results.get(call.toolCallId);
      if (result === undefined || states[index] === "cancelled") return [];
      return signatureOf(call, result);
    });
    return [new Set(ended)];
  });
}
