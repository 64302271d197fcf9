// The state machine of a session (protocol.md section 4: Queue, Cancel, After a turn). Pure: it is
// told what happened and says what to do. Cancelling is a state: the session is busy until the run
// has really returned, and a prompt that arrives meanwhile is queued and survives.
import { assertNever } from "../base/assertNever.js";
import type { RunCause } from "../protocol/objects/run.js";

/** A run as the state machine knows it. */
export interface RunRef {
  /** The order of acceptance. */
  readonly position: number;
  readonly runId: string | undefined;
  readonly kind: "prompt" | "summary";
}

/** What a session is doing. */
export type SessionState =
  | { readonly tag: "idle" }
  | {
      readonly tag: "running";
      readonly run: RunRef;
      /** Whether its turn has begun: before that it is only accepted. */
      readonly hasBegun: boolean;
      readonly queue: readonly RunRef[];
    }
  | { readonly tag: "cancelling"; readonly run: RunRef; readonly queue: readonly RunRef[] }
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
  | { readonly type: "ended" }
  | { readonly type: "close"; readonly cause: RunCause };

/** What the coordinator is to do about it, in order. */
export type SessionEffect =
  | { readonly type: "start"; readonly run: RunRef }
  | { readonly type: "abort"; readonly run: RunRef; readonly cause: RunCause }
  | { readonly type: "drop"; readonly runs: readonly RunRef[]; readonly cause: RunCause }
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

/** What a `cancelSession` stops (protocol.md section 4). */
export function coveredBy(
  state: SessionState,
): { runId?: string; was: "running" | "accepted" | "queued" }[] {
  const queued = queueOf(state).map((run) => ({ ...idOf(run), was: "queued" as const }));
  if (state.tag !== "running") return queued;
  return [{ ...idOf(state.run), was: state.hasBegun ? "running" : "accepted" }, ...queued];
}

function idOf({ runId }: RunRef): { runId?: string } {
  return runId === undefined ? {} : { runId };
}

/** What waits for the running turn's end, oldest first. */
export function queueOf(state: SessionState): readonly RunRef[] {
  return state.tag === "running" || state.tag === "cancelling" ? state.queue : [];
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
      return clearQueue(state);
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
      return {
        state: { tag: "running", run, hasBegun: false, queue: [] },
        effects: [{ type: "start", run }],
      };
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

function fold(state: SessionState): Step {
  if (state.tag !== "running" || state.run.kind === "summary") return still(state);
  const joining = state.queue.filter((run) => run.runId === undefined);
  if (joining.length === 0) return still(state);
  return {
    state: { ...state, queue: state.queue.filter((run) => run.runId !== undefined) },
    effects: [{ type: "fold", runs: joining, into: state.run }],
  };
}

function cancel(state: SessionState, cause: RunCause): Step {
  if (state.tag !== "running" && state.tag !== "cancelling") return still(state);
  const effects: SessionEffect[] = [];
  if (state.tag === "running") effects.push({ type: "abort", run: state.run, cause });
  if (state.queue.length > 0) effects.push({ type: "drop", runs: state.queue, cause });
  return { state: { tag: "cancelling", run: state.run, queue: [] }, effects };
}

function cancelRun(state: SessionState, position: number): Step {
  if (state.tag !== "running" && state.tag !== "cancelling") return still(state);
  if (state.run.position === position) {
    if (state.tag === "cancelling") return still(state);
    return {
      state: { tag: "cancelling", run: state.run, queue: state.queue },
      effects: [{ type: "abort", run: state.run, cause: "user" }],
    };
  }
  const runs = state.queue.filter((run) => run.position === position);
  if (runs.length === 0) return still(state);
  return {
    state: { ...state, queue: state.queue.filter((run) => run.position !== position) },
    effects: [{ type: "drop", runs, cause: "user" }],
  };
}

function clearQueue(state: SessionState): Step {
  const queue = queueOf(state);
  if (queue.length === 0 || (state.tag !== "running" && state.tag !== "cancelling")) {
    return still(state);
  }
  return {
    state: { ...state, queue: [] },
    effects: [{ type: "drop", runs: queue, cause: "user" }],
  };
}

function ended(state: SessionState): Step {
  switch (state.tag) {
    case "running":
    case "cancelling": {
      const [run, ...queue] = state.queue;
      if (run === undefined) return still(idle);
      return {
        state: { tag: "running", run, hasBegun: false, queue },
        effects: [{ type: "start", run }],
      };
    }
    case "closing":
      return still({ tag: "closed" });
    case "idle":
    case "closed":
      return still(state);
    default:
      return assertNever(state);
  }
}

function close(state: SessionState, cause: RunCause): Step {
  switch (state.tag) {
    case "idle":
      return still({ tag: "closed" });
    case "running":
    case "cancelling": {
      const { effects } = cancel(state, cause);
      return { state: { tag: "closing", run: state.run }, effects };
    }
    case "closing":
    case "closed":
      return still(state);
    default:
      return assertNever(state);
  }
}
