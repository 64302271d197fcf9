import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { allowedSilence } from "../../src/models/callLife.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { FakeModel, says } from "../helpers/fakeModel.js";

// Node's `fetch` may keep the signal of a request for as long as the process lives.
it("keeps nothing of a model call by its signal when the call is over", async () => {
  const signals: AbortSignal[] = [];
  const silences: (number | undefined)[] = [];
  const model = new FakeModel(({ abortSignal }) => {
    if (abortSignal !== undefined) signals.push(abortSignal);
    silences.push(allowedSilence(abortSignal));
    return says("done");
  });
  await new TestTurn().run(model);
  expect(silences).toEqual([300_000]);
  expect(signals).toHaveLength(1);
  for (const signal of signals) {
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(allowedSilence(signal)).toBeUndefined();
  }
});
