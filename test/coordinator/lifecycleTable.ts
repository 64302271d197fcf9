// The table of `docs/turn-lifecycle.md`: every state of a session with every input, as `step` has it.
import {
  type RunRef,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  step,
} from "../../src/coordinator/sessionState.js";

/** The present run, a queued one without `runId`, a queued one with, one with that joins, and one that comes. */
export const run = {
  position: 1,
  runId: "a",
  kind: "prompt",
  joins: false,
} as const satisfies RunRef;
export const plain = {
  position: 2,
  runId: undefined,
  kind: "prompt",
  joins: true,
} as const satisfies RunRef;
const named = { position: 3, runId: "c", kind: "prompt", joins: false } as const satisfies RunRef;
const joiner = { position: 5, runId: "e", kind: "prompt", joins: true } as const satisfies RunRef;
const fresh = { position: 4, runId: "d", kind: "prompt", joins: false } as const satisfies RunRef;
const summary = {
  position: 1,
  runId: undefined,
  kind: "summary",
  joins: false,
} as const satisfies RunRef;

const queue = [plain, named, joiner];
const goesOn = { isPaused: false };
const waits = { isPaused: true };

/** Every kind of state, each with and without what makes a difference. */
export const states: Readonly<Record<string, SessionState>> = {
  idle: { tag: "idle" },
  paused: { tag: "paused", queue: [] },
  "paused, queue": { tag: "paused", queue },
  "running, accepted": { tag: "running", run, hasBegun: false, queue: [], ...goesOn },
  "running, accepted, queue": { tag: "running", run, hasBegun: false, queue, ...goesOn },
  "running, begun": { tag: "running", run, hasBegun: true, queue: [], ...goesOn },
  "running, begun, queue": { tag: "running", run, hasBegun: true, queue, ...goesOn },
  "running, begun, paused queue": { tag: "running", run, hasBegun: true, queue, ...waits },
  "running, summary, queue": { tag: "running", run: summary, hasBegun: true, queue, ...goesOn },
  cancelling: { tag: "cancelling", run, queue: [], ...goesOn },
  "cancelling, queue": { tag: "cancelling", run, queue, ...goesOn },
  "cancelling, paused queue": { tag: "cancelling", run, queue, ...waits },
  closing: { tag: "closing", run },
  closed: { tag: "closed" },
};

/** Every kind of input, each for whom it can be meant. */
export const inputs: Readonly<Record<string, SessionInput>> = {
  accept: { type: "accept", run: fresh },
  "accept (a summary)": { type: "accept", run: { ...fresh, kind: "summary" } },
  begin: { type: "begin" },
  fold: { type: "fold" },
  cancel: { type: "cancel" },
  "cancelRun (its run)": { type: "cancelRun", position: run.position },
  "cancelRun (a queued one)": { type: "cancelRun", position: named.position },
  "cancelRun (another)": { type: "cancelRun", position: 99 },
  clearQueue: { type: "clearQueue" },
  "edit (so that it does not join)": { type: "edit", run: { ...plain, joins: false } },
  "move (to the end)": { type: "move", position: plain.position },
  "move (before another)": { type: "move", position: named.position, before: plain.position },
  "move (before what has gone)": { type: "move", position: plain.position, before: 99 },
  pause: { type: "pause" },
  resume: { type: "resume" },
  ended: { type: "ended" },
  "close (deleted)": { type: "close", cause: "deleted" },
  "close (shutdown)": { type: "close", cause: "shutdown" },
};

const names = new Map<number, string>([
  [run.position, "A"],
  [plain.position, "b"],
  [named.position, "C"],
  [fresh.position, "D"],
  [joiner.position, "E"],
]);

function nameOf(ref: RunRef): string {
  return names.get(ref.position) ?? "?";
}

function namesOf(refs: readonly RunRef[]): string {
  return refs.map(nameOf).join(", ");
}

function stateText(state: SessionState): string {
  switch (state.tag) {
    case "paused":
      return `paused${queueText(state.queue)}`;
    case "running":
      return `running ${nameOf(state.run)}${state.hasBegun ? "" : " (accepted)"}${queueText(state.queue)}${pauseText(state)}`;
    case "cancelling":
      return `cancelling ${nameOf(state.run)}${queueText(state.queue)}${pauseText(state)}`;
    case "closing":
      return `closing ${nameOf(state.run)}`;
    default:
      return state.tag;
  }
}

function queueText(refs: readonly RunRef[]): string {
  return refs.length === 0 ? "" : ` [${namesOf(refs)}]`;
}

function pauseText({ isPaused }: { isPaused: boolean }): string {
  return isPaused ? " (paused)" : "";
}

function effectText(effect: SessionEffect): string {
  switch (effect.type) {
    case "start":
      return `start ${nameOf(effect.run)}`;
    case "abort":
      return `abort ${nameOf(effect.run)} (${effect.cause})`;
    case "drop":
      return `drop ${namesOf(effect.runs)} (${effect.cause})`;
    case "keep":
      return `keep ${namesOf(effect.runs)}`;
    case "fold":
      return `fold ${namesOf(effect.runs)} into ${nameOf(effect.into)}`;
  }
}

/** One cell of the table; a dot where nothing changes. */
function cell(state: SessionState, input: SessionInput): string {
  const next = step(state, input);
  const effects = next.effects.map(effectText).join("; ");
  const isSame = stateText(next.state) === stateText(state);
  if (isSame && effects === "") return "·";
  return `${isSame ? "stays" : `→ ${stateText(next.state)}`}${effects === "" ? "" : `: ${effects}`}`;
}

/** The table as Markdown: one section a state, one row an input. */
export function lifecycleTable(): string {
  const sections = Object.entries(states).map(([name, state]) => {
    const rows = Object.entries(inputs).map(
      ([input, value]) => `| ${input} | ${cell(state, value)} |`,
    );
    const title = `**${name}**: ${stateText(state)}`;
    return [title, "", "| input | what happens |", "| --- | --- |", ...rows].join("\n");
  });
  return `${sections.join("\n\n")}\n`;
}
