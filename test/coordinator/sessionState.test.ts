import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  isBusy,
  isPaused,
  queueOf,
  type SessionState,
  step,
} from "../../src/coordinator/sessionState.js";
import { inputs, lifecycleTable, plain, run, states } from "./lifecycleTable.js";

const doc = new URL("../../docs/turn-lifecycle.md", import.meta.url);
const [begin, end] = ["<!-- lifecycle-table:begin -->\n", "<!-- lifecycle-table:end -->"];

const everyPair = Object.entries(states).flatMap(([stateName, state]) =>
  Object.entries(inputs).map(([inputName, input]) => ({
    label: `${stateName}: ${inputName}`,
    state,
    input,
  })),
);

function refsOf(state: SessionState): number[] {
  const current = "run" in state ? [state.run] : [];
  return [...current, ...queueOf(state)].map(({ position }) => position);
}

describe("the state machine of a session", () => {
  it("does what the table in docs/turn-lifecycle.md says, for every state and every input", () => {
    const text = readFileSync(doc, "utf8");
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(end);
    expect(from).toBeGreaterThan(begin.length);
    const fresh = text.slice(0, from) + lifecycleTable() + text.slice(to);
    // `UPDATE_DOCS=1 npx vitest run test/coordinator/sessionState.test.ts` writes the table anew.
    if (process.env.UPDATE_DOCS === "1") writeFileSync(doc, fresh);
    else expect(text).toBe(fresh);
  });

  it("loses no run", () => {
    for (const { label, state, input } of everyPair) {
      const next = step(state, input);
      const before = refsOf(state);
      if (input.type === "accept") before.push(input.run.position);
      const gone = next.effects.flatMap((effect) => ("runs" in effect ? effect.runs : []));
      const after = [...refsOf(next.state), ...gone.map(({ position }) => position)];
      if (input.type === "ended" && "run" in state) after.push(state.run.position);
      expect(after.sort(), label).toEqual(before.sort());
    }
  });

  it("changes nothing in place", () => {
    for (const { label, state, input } of everyPair) {
      const before = structuredClone({ state, input });
      step(state, input);
      expect({ state, input }, label).toEqual(before);
    }
  });

  it("starts a run only where none is, and one at a time", () => {
    for (const { label, state, input } of everyPair) {
      const { effects, state: next } = step(state, input);
      const started = effects.filter((effect) => effect.type === "start");
      if (started.length === 0) continue;
      expect(started, label).toHaveLength(1);
      expect(!isBusy(state) || input.type === "ended", label).toBe(true);
      if (input.type === "ended") expect(isPaused(state), label).toBe(false);
      expect(next, label).toMatchObject({ tag: "running", run: started[0]?.run, hasBegun: false });
    }
  });

  it("does nothing for a second cancel", () => {
    for (const [label, state] of Object.entries(states)) {
      const once = step(state, { type: "cancel" });
      expect(step(once.state, { type: "cancel" }), label).toEqual({
        state: once.state,
        effects: [],
      });
    }
  });

  it("does not fold into a turn that is being cancelled", () => {
    const state: SessionState = {
      tag: "cancelling",
      run,
      queue: [plain],
      isPaused: false,
    };
    expect(step(state, { type: "fold" })).toEqual({ state, effects: [] });
  });

  it("starts, folds and drops nothing of a paused queue by itself", () => {
    for (const { label, state, input } of everyPair) {
      if (!isPaused(state) || !["begin", "fold", "ended", "pause"].includes(input.type)) continue;
      const next = step(state, input);
      expect(queueOf(next.state), label).toEqual(queueOf(state));
      expect(next.effects, label).toEqual([]);
      expect(isPaused(next.state), label).toBe(true);
    }
  });

  it("leaves the pause where a queue is cancelled or cleared", () => {
    for (const [label, state] of Object.entries(states)) {
      for (const type of ["cancel", "clearQueue"] as const) {
        expect(isPaused(step(state, { type }).state), label).toBe(isPaused(state));
      }
    }
  });
});
