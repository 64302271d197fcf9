// The state machine of a session (protocol.md section 4: Queue, Cancel, After a turn). It is pure:
// it gets what happened and returns what to do. Cancelling is a state: the session is busy until
// the run has really returned, and a prompt that arrives meanwhile is queued and survives.
import { assertNever } from "../base/assertNever.js";
import type { RunCause } from "../protocol/objects/run.js";

/** A run as the state machine knows it. */
export interface RunRef {
  /** The order of acceptance. */
  readonly position: number;
  readonly runId: string | undefined;
  readonly kind: "prompt" | "summary";
  /** Whether it joins the turn that it waits for, at its next model call. */
  readonly joins: boolean;
  /** Whether it goes on after the loss of its server. */
  readonly goesOn?: true;
}

/** What a session is doing. */
export type SessionState =
  | { readonly tag: "idle" }
  /** Nothing runs, and the queue waits until somebody resumes it. */
  | { readonly tag: "paused"; readonly queue: readonly RunRef[] }
  | {
      readonly tag: "running";
      readonly run: RunRef;
      /** Whether its turn has begun: before that it is only accepted. */
      readonly hasBegun: boolean;
      readonly queue: readonly RunRef[];
      /** Whether the queue still waits after the turn's end. */
      readonly isPaused: boolean;
    }
  | {
      readonly tag: "cancelling";
      readonly run: RunRef;
      readonly queue: readonly RunRef[];
      readonly isPaused: boolean;
    }
  | { readonly tag: "closing"; readonly run: RunRef }
  | { readonly tag: "closed" };

/** What can happen to a session. */
export type SessionInput =
  | { readonly type: "accept"; readonly run: RunRef }
  | { readonly type: "begin" }
  | { readonly type: "fold" }
  | { readonly type: "cancel" }
  | { readonly type: "cancelRun"; readonly position: number }
  | { readonly type: "clearQueue" }
  /** A queued run has another prompt, and so perhaps joins where it did not, or the reverse. */
  | { readonly type: "edit"; readonly run: RunRef }
  /** Moves a queued run before another one, or to the end. */
  | { readonly type: "move"; readonly position: number; readonly before?: number }
  | { readonly type: "pause" }
  | { readonly type: "resume" }
  | { readonly type: "ended" }
  | { readonly type: "close"; readonly cause: RunCause };

/** What the coordinator must do, in order. */
export type SessionEffect =
  | { readonly type: "start"; readonly run: RunRef }
  | { readonly type: "abort"; readonly run: RunRef; readonly cause: RunCause }
  | { readonly type: "drop"; readonly runs: readonly RunRef[]; readonly cause: RunCause }
  /** The runs stay on disk, for the server that takes them over. */
  | { readonly type: "keep"; readonly runs: readonly RunRef[] }
  | { readonly type: "fold"; readonly runs: readonly RunRef[]; readonly into: RunRef };

/** The next state and what to do. */
export interface Step {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export const idle: SessionState = { tag: "idle" };

/** Whether a turn holds the session. */
export function isBusy(state: SessionState): boolean {
  return state.tag === "running" || state.tag === "cancelling" || state.tag === "closing";
}

/** The runs that wait for the running turn's end, or for a paused queue, in their order. */
export function queueOf(state: SessionState): readonly RunRef[] {
  return "queue" in state ? state.queue : [];
}

/** The positions of runs, in their order. */
export function positionsOf(refs: readonly RunRef[]): number[] {
  return refs.map(({ position }) => position);
}

/** Whether the queue of a session is paused. */
export function isPaused(state: SessionState): boolean {
  return state.tag === "paused" || ("isPaused" in state && state.isPaused);
}

/** Whether a run that is accepted now would wait. A summary never waits in a queue. */
export function wouldWait(state: SessionState, kind: RunRef["kind"]): boolean {
  return isBusy(state) || (state.tag === "paused" && kind === "prompt");
}

/** The next state of a session, and what to do about it. Never throws for a valid input. */
export function step(state: SessionState, input: SessionInput): Step {
  switch (input.type) {
    case "accept":
      return accept(state, input.run);
    case "begin":
      return state.tag === "running" ? still({ ...state, hasBegun: true }) : still(state);
    case "fold":
      return fold(state);
    case "cancel":
      return cancel(state, "user");
    case "cancelRun":
      return cancelRun(state, input.position);
    case "clearQueue":
      return dropAll(state, "user");
    case "edit":
      return edit(state, input.run);
    case "move":
      return move(state, input.position, input.before);
    case "pause":
      return pause(state);
    case "resume":
      return resume(state);
    case "ended":
      return ended(state);
    case "close":
      return close(state, input.cause);
    default:
      return assertNever(input);
  }
}

function still(state: SessionState): Step {
  return { state, effects: [] };
}

function accept(state: SessionState, run: RunRef): Step {
  switch (state.tag) {
    case "idle":
      return starting(run, [], false);
    case "paused":
      if (run.kind === "summary") return starting(run, state.queue, true);
      return still({ ...state, queue: [...state.queue, run] });
    case "running":
    case "cancelling":
      return still({ ...state, queue: [...state.queue, run] });
    case "closing":
    case "closed":
      return { state, effects: [{ type: "drop", runs: [run], cause: "deleted" }] };
    default:
      return assertNever(state);
  }
}

function starting(run: RunRef, queue: readonly RunRef[], isPaused: boolean): Step {
  return {
    state: { tag: "running", run, hasBegun: false, queue, isPaused },
    effects: [{ type: "start", run }],
  };
}

/** The first of a queue starts; without one the session is idle. */
function startNext([run, ...queue]: readonly RunRef[]): Step {
  return run === undefined ? still(idle) : starting(run, queue, false);
}

function fold(state: SessionState): Step {
  if (state.tag !== "running" || state.run.kind === "summary" || state.isPaused) {
    return still(state);
  }
  const joining = state.queue.filter(({ joins }) => joins);
  if (joining.length === 0) return still(state);
  return {
    state: { ...state, queue: state.queue.filter(({ joins }) => !joins) },
    effects: [{ type: "fold", runs: joining, into: state.run }],
  };
}

function cancel(state: SessionState, cause: RunCause): Step {
  if (state.tag === "paused") return dropAll(state, cause);
  if (state.tag !== "running" && state.tag !== "cancelling") return still(state);
  const { run, isPaused } = state;
  const dropped = dropAll(state, cause).effects;
  const aborted = state.tag === "running" ? [{ type: "abort", run, cause } as const] : [];
  return {
    state: { tag: "cancelling", run, queue: [], isPaused },
    effects: [...aborted, ...dropped],
  };
}

function dropAll(state: SessionState, cause: RunCause): Step {
  if (!("queue" in state) || state.queue.length === 0) return still(state);
  return {
    state: { ...state, queue: [] },
    effects: [{ type: "drop", runs: state.queue, cause }],
  };
}

function cancelRun(state: SessionState, position: number): Step {
  if ("run" in state && state.run.position === position) {
    if (state.tag !== "running") return still(state);
    const { run, queue, isPaused } = state;
    return {
      state: { tag: "cancelling", run, queue, isPaused },
      effects: [{ type: "abort", run, cause: "user" }],
    };
  }
  if (!("queue" in state)) return still(state);
  const runs = state.queue.filter((run) => run.position === position);
  if (runs.length === 0) return still(state);
  return {
    state: { ...state, queue: state.queue.filter((run) => run.position !== position) },
    effects: [{ type: "drop", runs, cause: "user" }],
  };
}

function edit(state: SessionState, run: RunRef): Step {
  if (!("queue" in state)) return still(state);
  const queue = state.queue.map((waiting) => (waiting.position === run.position ? run : waiting));
  return still({ ...state, queue });
}

/** If one of the two runs does not wait, nothing is moved. */
function move(state: SessionState, position: number, before: number | undefined): Step {
  if (!("queue" in state) || position === before) return still(state);
  const moved = state.queue.find((run) => run.position === position);
  const others = state.queue.filter((run) => run !== moved);
  const at =
    before === undefined ? others.length : others.findIndex((run) => run.position === before);
  if (moved === undefined || at === -1) return still(state);
  return still({ ...state, queue: [...others.slice(0, at), moved, ...others.slice(at)] });
}

function pause(state: SessionState): Step {
  if (state.tag === "idle") return still({ tag: "paused", queue: [] });
  return "isPaused" in state ? still({ ...state, isPaused: true }) : still(state);
}

function resume(state: SessionState): Step {
  if (state.tag === "paused") return startNext(state.queue);
  return "isPaused" in state ? still({ ...state, isPaused: false }) : still(state);
}

function ended(state: SessionState): Step {
  switch (state.tag) {
    case "running":
    case "cancelling":
      return state.isPaused ? still({ tag: "paused", queue: state.queue }) : startNext(state.queue);
    case "closing":
      return still({ tag: "closed" });
    case "idle":
    case "paused":
    case "closed":
      return still(state);
    default:
      return assertNever(state);
  }
}

/**
 * At a normal end of the server, the entries of a paused queue stay, and the runs that go on after a
 * loss. If everything is given up, nothing stays.
 */
function close(state: SessionState, cause: RunCause): Step {
  switch (state.tag) {
    case "idle":
      return still({ tag: "closed" });
    case "paused":
      return { state: { tag: "closed" }, effects: leave(state, cause) };
    case "running":
      return {
        state: { tag: "closing", run: state.run },
        effects: [{ type: "abort", run: state.run, cause }, ...leave(state, cause)],
      };
    case "cancelling":
      return { state: { tag: "closing", run: state.run }, effects: leave(state, cause) };
    case "closing":
    case "closed":
      return still(state);
    default:
      return assertNever(state);
  }
}

function leave(state: SessionState, cause: RunCause): readonly SessionEffect[] {
  if (cause === "deleted") return dropAll(state, cause).effects;
  const stays = (run: RunRef) => isPaused(state) || run.goesOn === true;
  const kept = queueOf(state).filter(stays);
  const dropped = queueOf(state).filter((run) => !stays(run));
  return [
    ...(dropped.length === 0 ? [] : [{ type: "drop", runs: dropped, cause } as const]),
    ...(kept.length === 0 ? [] : [{ type: "keep", runs: kept } as const]),
  ];
}
