import { afterEach, beforeEach, expect, it } from "vitest";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let first: CoordinatorHouse;
let second: CoordinatorHouse;

beforeEach(() => {
  folder = temporaryFolder();
  first = new CoordinatorHouse({ directory: folder.path });
  first.session("s");
  second = new CoordinatorHouse({ directory: folder.path, ids: first.ids });
});
afterEach(async () => {
  await second.close();
  folder.remove();
});

function seenBySecond() {
  const row = second.sessions.find(workspaceId, "s");
  if (row === undefined) throw new Error("the session is gone");
  const { isBusy, queuedPrompts } = second.coordinator.describe(row);
  return { isBusy, queuedPrompts };
}

it("a session that is busy in another server is idle as soon as that one has died", async () => {
  await first.begin("s", { runId: "a" });
  first.accept("s", { runId: "b" });
  expect(seenBySecond()).toEqual({ isBusy: true, queuedPrompts: 1 });
  first.crash();
  expect(seenBySecond()).toEqual({ isBusy: false, queuedPrompts: 0 });
  const statuses = second.allCompletions().map(({ runId, status }) => `${runId}: ${status}`);
  expect(statuses).toEqual(["a: interrupted", "b: interrupted"]);
});
