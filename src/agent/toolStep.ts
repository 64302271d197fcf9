// What belongs together while the tool calls of one reply run.
import type { MessageWriter, TurnSink } from "../engine/engine.js";
import type { OneAllowance } from "../permissions/types.js";
import type { TurnFailure } from "./outcome.js";
import type { ResultPart } from "./resultPart.js";
import type { Settled } from "./settledCall.js";
import type { RequestedCall } from "./streamedReply.js";

/** The options for the calls of one reply. */
export class Step {
  readonly message: MessageWriter;
  readonly assistant: MessageWriter;
  /** Returns why a call must not be run; undefined if it may. */
  readonly unfit: (call: RequestedCall) => string | undefined;
  readonly ended = new Map<RequestedCall, EndedCall>();
  readonly signatures = new Set<string>();
  /** Set when the turn must not go on. */
  failure: TurnFailure | undefined;

  constructor(message: MessageWriter, assistant: MessageWriter, unfit: Step["unfit"]) {
    this.message = message;
    this.assistant = assistant;
    this.unfit = unfit;
  }
}

/** A call that runs, or is about to. */
export interface RunningCall {
  readonly call: RequestedCall;
  readonly assistant: MessageWriter;
  readonly result: ResultPart;
  /**
   * Aborted when the turn is cancelled, or must end because of a call that runs at the same time.
   */
  readonly signal: AbortSignal;
}

/** A call that asks for permission. */
export interface AskingCall extends Pick<RunningCall, "call" | "assistant"> {
  readonly ofUser: OneAllowance | undefined;
  /** Whether it is marked as running only when its permission is given. */
  readonly isMarkedLate: boolean;
}

interface EndedCall {
  readonly result: ResultPart;
  readonly settled: Settled;
}

/** Makes changes in one commit, if the sink can; see `TurnSink.together`. */
export function inOneCommit(
  sink: Pick<TurnSink, "together">,
  work: () => void,
  isDurable?: boolean,
): void {
  if (sink.together === undefined) work();
  else sink.together(work, isDurable);
}
