// The steps of a random history that change a queue by hand.
import { expect } from "vitest";
import type { AcceptedRun } from "../../src/coordinator/acceptedRun.js";
import type { CoordinatorHouse } from "../helpers/coordinatorHouse.js";
import type { HistoryStep } from "./historyStep.js";
import type { ModelRun, ModelSession } from "./sessionModel.js";

type StepOf<T extends HistoryStep["type"]> = Omit<
  Extract<HistoryStep, { type: T }>,
  "type" | "session"
> & { readonly type: T };
type QueueStep =
  | StepOf<"move">
  | StepOf<"edit">
  | StepOf<"remove">
  | { readonly type: "pause" }
  | { readonly type: "resume" };

/** The model of a run that was accepted; with it the queue is its server's. */
export function freshRun(
  target: ModelSession,
  handle: AcceptedRun,
  { text, kind, options }: Pick<ModelRun, "text" | "kind" | "options">,
): ModelRun {
  const { position, runId } = handle.ref;
  target.isLeft = false;
  return {
    handle,
    session: target,
    position,
    runId,
    text,
    kind,
    options,
    folded: 0,
    joined: [],
    place: position,
    isKept: false,
    state: "accepted",
  };
}

/** Nothing can be written, and what is asked must be. */
function expectStorageFailed(attempt: () => unknown): undefined {
  expect(attempt).toThrow(expect.objectContaining({ name: "StorageFailed" }));
}

/**
 * Whether an attempt on a queue that no server has is refused by a disk that takes nothing; else the
 * queue is the attempting server's from now on.
 */
export function refusesToTakeOver(
  target: ModelSession,
  disk: { readonly isBroken: boolean },
  attempt: () => unknown,
): boolean {
  if (!target.isToBeTakenOver) return false;
  if (disk.isBroken) expectStorageFailed(attempt);
  else target.isLeft = false;
  return disk.isBroken;
}

/** Changes the queue of the real session and of its model, and compares what is answered. */
export function changeQueue(
  house: CoordinatorHouse,
  target: ModelSession,
  step: QueueStep,
  isDiskBroken: boolean,
): undefined {
  const { queue } = house.coordinator;
  const disk = { isBroken: isDiskBroken };
  if (refusesToTakeOver(target, disk, () => queue.resume(target.id))) return;
  if (step.type === "pause" || step.type === "resume") {
    return setPaused(house, target, step.type, isDiskBroken);
  }
  const run = pick(target, step.pick);
  if (run === undefined) {
    expect(() => queue.remove(target.id, "que_0")).toThrow(
      expect.objectContaining({ name: "QueueEntryNotFound" }),
    );
    return;
  }
  const queueId = idOf(run);
  if (step.type === "remove") {
    queue.remove(target.id, queueId);
    target.isLeft = false;
    target.drop([run]);
    return;
  }
  if (step.type === "edit") return edit(house, target, run, isDiskBroken);
  const before = step.before === 0 ? undefined : pick(target, step.before);
  const beforeId = before === undefined ? undefined : idOf(before);
  if (isDiskBroken) return expectStorageFailed(() => queue.move(target.id, queueId, beforeId));
  queue.move(target.id, queueId, beforeId);
  target.isLeft = false;
  target.move(run, before);
}

function setPaused(
  house: CoordinatorHouse,
  target: ModelSession,
  type: "pause" | "resume",
  isDiskBroken: boolean,
): undefined {
  const { queue } = house.coordinator;
  const change = () => (type === "pause" ? queue.pause(target.id) : queue.resume(target.id));
  const isPaused = type === "pause";
  if (isDiskBroken && target.isPaused !== isPaused) return expectStorageFailed(change);
  change();
  target.isLeft = false;
  if (target.isPaused !== isPaused) target.setPaused(isPaused);
}

function edit(
  house: CoordinatorHouse,
  target: ModelSession,
  run: ModelRun,
  isDiskBroken: boolean,
): undefined {
  const { queue } = house.coordinator;
  const text = `${run.edited ?? run.text}!`;
  const change = () => queue.edit(target.id, idOf(run), text);
  if (isDiskBroken && target.isPaused) return expectStorageFailed(change);
  expect(change()).toMatchObject({ queueId: idOf(run), prompt: text });
  target.isLeft = false;
  run.edited = text;
}

function pick(target: ModelSession, index: number): ModelRun | undefined {
  return target.visible[index % Math.max(1, target.visible.length)];
}

function idOf({ position }: ModelRun): string {
  return `que_${position}`;
}
