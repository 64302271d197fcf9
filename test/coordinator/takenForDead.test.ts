// A file system whose locks do not hold: a living server is taken for dead by another, which ends its
// runs. Nothing of that may run twice, have two completions, or hold the session for ever.
import { afterEach, beforeEach, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: CoordinatorHouse;

beforeEach(() => {
  folder = temporaryFolder();
  house = new CoordinatorHouse({ directory: folder.path });
  house.session("s");
});

afterEach(async () => {
  const closed = house.coordinator.close("shutdown");
  await house.clock.settle();
  await closed;
  house.broadcaster.close();
  house.database.close();
  folder.remove();
});

/** The lock is lost, and another server opens the directory. */
async function beTakenForDead(): Promise<void> {
  house.registry.close(house.clock.now());
  const other = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
  await other.close();
}

const statuses = () => house.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);

it("a turn that another server has ended gets no second completion and frees its session", async () => {
  const turn = await house.begin("s", { runId: "a" });
  await beTakenForDead();
  turn.succeed();
  await house.clock.settle();
  expect(statuses()).toEqual(["a: interrupted"]);
  expect(house.coordinator.isBusy).toBe(false);
  (await house.begin("s", { runId: "b" })).succeed();
  await house.clock.settle();
  expect(statuses()).toEqual(["a: interrupted", "b: succeeded"]);
});

it("a queued run that another server has ended is not run", async () => {
  const turn = await house.begin("s", { runId: "a" });
  house.accept("s", { runId: "b" });
  await beTakenForDead();
  turn.succeed();
  await house.clock.settle();
  house.engine.preparing.ready();
  await house.clock.settle();
  expect(house.row("b").state).toBe("completed");
  expect(house.engine.turns.map(({ isOver }) => isOver)).toEqual([true]);
  expect(statuses()).toEqual(["a: interrupted", "b: interrupted"]);
  expect(house.coordinator.isBusy).toBe(false);
});

it("a queued run that another server has ended gets no completion from a cancel either", async () => {
  await house.begin("s", { runId: "a" });
  house.accept("s", { runId: "b" });
  await beTakenForDead();
  house.coordinator.queue.clear("s");
  expect(statuses()).toEqual(["a: interrupted", "b: interrupted"]);
});

it("a run that has joined a turn which another server has ended gets no second completion", async () => {
  const turn = await house.begin("s", { runId: "a" });
  house.accept("s", { runId: "b", options: { whenBusy: "join" } });
  turn.call();
  await house.clock.settle();
  await beTakenForDead();
  turn.succeed();
  await house.clock.settle();
  expect(statuses()).toEqual(["a: interrupted", "b: interrupted"]);
  expect(house.completion("b")?.joined).toMatchObject({ runId: "a" });
  expect(house.coordinator.isBusy).toBe(false);
});

it("a queued run that another server has ended joins no turn", async () => {
  const turn = await house.begin("s", { runId: "a" });
  house.accept("s", { runId: "b", options: { whenBusy: "join" } });
  await beTakenForDead();
  turn.call();
  await house.clock.settle();
  expect(turn.folded.flat()).toEqual([]);
  expect(statuses()).toEqual(["a: interrupted", "b: interrupted"]);
});

it.each([
  ["ended", false],
  ["taken over", true],
])("a title that comes when another server has %s the run is not written", async (_, goesOn) => {
  house.sessions.setTitle("s", "", 0);
  const title = new Deferred<string>();
  house.engine.title = () => title.promise;
  await house.begin("s", { runId: "a", text: "name me", goesOn });
  house.registry.close(house.clock.now());
  const other = new CoordinatorHouse({ directory: folder.path, ids: house.ids });
  if (goesOn) other.coordinator.queue.adoption.takeOver("s");
  title.resolve("Too late");
  await house.clock.settle();
  expect(other.sessions.find(workspaceId, "s")?.title).toBe("name me");
  await other.close();
});

it("a title that comes after this server has ended the run is written", async () => {
  house.sessions.setTitle("s", "", 0);
  const title = new Deferred<string>();
  house.engine.title = () => title.promise;
  (await house.begin("s", { runId: "a", text: "name me" })).succeed();
  await house.clock.settle();
  title.resolve("In time");
  await house.clock.settle();
  expect(house.sessions.find(workspaceId, "s")?.title).toBe("In time");
});
