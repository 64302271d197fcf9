// What is compared of the real thing and its model.
import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import type { ServerNotification } from "../../src/protocol/registry.js";
import { type CoordinatorHouse, workspaceId } from "../helpers/coordinatorHouse.js";
import type { ModelRun, ModelSession } from "./sessionModel.js";
import { expectCompletionsLast } from "./wireOrder.js";

/** Compares what can be seen of sessions and runs now. */
export function expectAsModelled(
  house: CoordinatorHouse,
  sessions: readonly ModelSession[],
  runs: readonly ModelRun[],
): void {
  const actual = house.allCompletions();
  for (const one of sessions) {
    const { id, visible, current } = one;
    const told = actual
      .filter(({ sessionId }) => sessionId === id)
      .map((completion) => ({
        position: completion.run,
        runId: completion.runId,
        status: completion.status,
        folded: completion.foldedPrompts,
        ...defined({ joined: joinedIn(completion, actual) }),
      }));
    expect(told, `completions of ${id}`).toEqual(one.completions);
    const texts = visible.map(({ text, edited }) => edited ?? text);
    expect(house.coordinator.queue.texts(id)).toEqual(texts);
    const { entries, paused } = house.coordinator.queue.list(id);
    expect(entries.map(({ prompt, runId }) => ({ prompt, runId }))).toEqual(
      visible.map(({ runId }, index) => ({ prompt: texts[index], runId })),
    );
    if (!one.isClosing) expect(paused, `the pause of ${id}`).toBe(one.isPaused);
    expect(house.engine.live(id)).toHaveLength(current?.phase === "calling" ? 1 : 0);
    const row = house.sessions.find(workspaceId, id);
    expect(row && house.coordinator.describe(row)).toMatchObject({
      isBusy: one.isBusy,
      queuedPrompts: visible.length,
      queuePaused: one.isPaused,
    });
  }
  for (const run of runs) {
    expect(house.runs.at(run.position)?.state, `the state of ${run.text}`).toBe(run.state);
  }
}

/** The turn that a run has joined, if its completion says the same as that turn's. */
function joinedIn(
  completion: RunComplete,
  all: readonly RunComplete[],
): { runId?: string } | undefined {
  const { joined } = completion;
  if (joined === undefined) return undefined;
  const turn = all.find(({ completionId }) => completionId === joined.completionId);
  const { text, status, error, errorName, cause, messageId, completedAt } = turn ?? {};
  const same = { text, status, error, errorName, cause, messageId, completedAt };
  expect(completion).toEqual(expect.objectContaining(definedOnly(same)));
  expect(completion.usage).toBeUndefined();
  return defined({ runId: joined.runId });
}

function definedOnly(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Every completion was sent once, in order and behind all else of its run. */
export function expectToldOnce(
  house: CoordinatorHouse,
  wire: readonly ServerNotification[],
  runs: readonly ModelRun[],
): void {
  expectCompletionsLast(wire);
  const all = house.allCompletions();
  const sent = wire.flatMap((one) => (one.method === "runComplete" ? [one.params] : []));
  expect(sent.map(({ completionId }) => completionId)).toEqual(
    all.map(({ completionId }) => completionId),
  );
  for (const { runId } of runs.filter((run) => run.runId !== undefined)) {
    expect(all.filter((completion) => completion.runId === runId)).toHaveLength(1);
  }
}
