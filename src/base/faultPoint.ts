// Places where a test can have the process killed (docs/delivery.md says what must hold there).
// Only a build for tests has them; the published build contains nothing of this file.

declare global {
  /** Set by the build (scripts/build.mjs); undefined otherwise. */
  const __FAULT_POINTS__: boolean | undefined;
}

/** The points at which the process can be made to die. */
export type FaultPoint =
  /** This server's lock is held and its row is written. */
  | "registered"
  /** What dead servers left is ended, but not committed. */
  | "recovering"
  | "recovered"
  /** A run is on disk, and its client has no answer yet. */
  | "accepted"
  /** A change of a queue is on disk, and nobody has been answered. */
  | "queueChanged"
  /** What waited in a paused queue is this server's now. */
  | "queueTakenOver"
  /** The runs of a session are this server's now, and nothing of them is read. */
  | "adopted"
  /** A turn that another server has begun is to go on, and nothing of it is written. */
  | "goingOn"
  | "turnBegun"
  /** Prompts have joined a turn, with their messages, but this is not committed. */
  | "folding"
  | "folded"
  /** The provider has begun to answer. */
  | "modelCalled"
  | "partStored"
  /** A model has finished its reply. Of a run that goes on, that is stored. */
  | "replyStored"
  /** A call is about to ask for permission. */
  | "toolPending"
  | "toolRunning"
  /** A tool has had its effect, and its result is not stored. */
  | "toolDone"
  /** The result of a call is stored. */
  | "resultStored"
  /** Outcome and completion are written, but not committed. */
  | "finishing"
  /** The completion is on disk, and nobody has heard of it. */
  | "committed"
  /** A delivery is counted, and nothing of it is written. */
  | "sending"
  | "sent"
  /** An acknowledgement has come, and is not written. */
  | "acknowledging"
  | "acknowledged"
  /** Completions are about to be sent by a relay. */
  | "relaying"
  /** The other side has confirmed them, or not, and nothing of that is written. */
  | "relayed"
  /** The relay's cursor has moved. */
  | "relayMoved"
  /** A rewind is written down, and nothing of it is done. */
  | "rewindPlanned"
  /** A file is as it was, or is left as it is. */
  | "rewindReplaced"
  | "rewindWritten"
  /** Some of the messages are out, or back. */
  | "rewindMoved"
  /** The end of a rewind is written, but not committed. */
  | "rewinding"
  /** It is done, and nobody has been answered. */
  | "rewound"
  /** Some of a session's messages, or all, are copied into a fork, which nobody sees yet. */
  | "forkCopied"
  /** The fork is whole, and nobody has been answered. */
  | "forked";

let armed: { readonly name: string; passings: number; readonly kill: () => void } | undefined;

/**
 * Makes `kill` be called when a point is passed for the n-th time. `setting` is `name` or `name:n`.
 * Does nothing in a build without fault points.
 */
export function armFaultPoint(setting: string | undefined, kill: () => void): void {
  if (typeof __FAULT_POINTS__ === "boolean" && __FAULT_POINTS__) {
    if (setting === undefined) return;
    const [name = "", passings = "1"] = setting.split(":");
    armed = { name, passings: Number(passings), kill };
  }
}

/** Reports that the process has come to this point. */
export function faultPoint(name: FaultPoint): void {
  if (typeof __FAULT_POINTS__ === "boolean" && __FAULT_POINTS__) {
    if (armed?.name === name && --armed.passings === 0) armed.kill();
  }
}
