import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { locksFolder } from "../../src/base/dataFiles.js";
import { ConnectionStore } from "../../src/storage/connectionStore.js";
import { QuestionStore } from "../../src/storage/questionStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
let house: CoordinatorHouse;
let store: QuestionStore;

const permissionSeconds = 60;
const question = { run: 1, clientId: "ada", askedAt: 1000, expiresAt: undefined };
const again = (same: string) => ({
  run: 1,
  isOfCall: (body: string) => body.startsWith("call"),
  isSame: (body: string) => body === same,
});

function open(): void {
  house = new CoordinatorHouse({ directory: folder.path, ids });
  store = new QuestionStore(house.database, house.registry);
}

/** The server is lost, and another one opens the directory. */
function lose(): void {
  house.crash();
  open();
}

beforeEach(() => {
  folder = temporaryFolder();
  ids = new CountingIds();
  open();
  house.session("s");
  const { row } = house.accept("s", { runId: "a", goesOn: true }) as { row?: { position: number } };
  expect(row?.position ?? 1).toBe(1);
  house.runs.setPermissionSeconds(1, permissionSeconds);
});

afterEach(async () => {
  await house.close();
  folder.remove();
});

it("a question is asked again with its id and times, if the same would happen", () => {
  store.save({ ...question, permissionId: "p", body: "call as it was" });
  lose();
  expect(store.adopt(again("call as it was"))).toMatchObject({
    permissionId: "p",
    askedAt: 1000,
    expiresAt: 1000 + permissionSeconds * 1000,
  });
  // It is this server's now, and is none of another one.
  expect(store.openOf("ada")).toEqual([]);
  expect(store.adopt(again("call as it was"))).toBeUndefined();
});

it("a question is removed if something else would happen now, and its answer with it", () => {
  store.save({ ...question, permissionId: "p", body: "call as it was" });
  store.save({ ...question, permissionId: "q", body: "another one" });
  lose();
  expect(store.give("p", "ada", "{}", 2000)).toBe(true);
  expect(store.adopt(again("call as it is now"))).toBeUndefined();
  expect(store.answer("p")).toBeUndefined();
  expect(store.openOf("ada")).toMatchObject([{ permissionId: "q" }]);
});

it("its time runs from when its server was last known to live, or from where it ran already", () => {
  store.save({ ...question, permissionId: "p", body: "call 1" });
  store.save({ ...question, permissionId: "q", body: "call 2" });
  store.save({ ...question, permissionId: "r", body: "call 3", expiresAt: 7000 });
  store.seen("q", 31_000);
  lose();
  const deadlines = store
    .openOf("ada")
    .map(({ permissionId, expiresAt }) => [permissionId, expiresAt]);
  expect(deadlines).toEqual([
    ["p", 61_000],
    ["q", 91_000],
    ["r", 7000],
  ]);
});

it("a polite end is the moment at which the client has gone", async () => {
  store.save({ ...question, permissionId: "p", body: "call 1" });
  await house.clock.advance(5000);
  const now = house.clock.now();
  await house.close();
  open();
  expect(store.openOf("ada")).toMatchObject([{ expiresAt: now + permissionSeconds * 1000 }]);
});

it("only the questions of tool calls that have not begun stay when the turn goes on", () => {
  const body = (toolCallId: string) => JSON.stringify({ toolCallId });
  store.save({ ...question, permissionId: "p", body: body("begun") });
  store.save({ ...question, permissionId: "q", body: body("pending") });
  store.save({ ...question, permissionId: "r", body: "damaged" });
  lose();
  house.goingOn.keepQuestions(1, new Set(["pending"]));
  expect(store.openOf("ada")).toMatchObject([{ permissionId: "q" }]);
});

describe("the time of a question that no server has", () => {
  let connections: ConnectionStore;
  const deadline = () => store.openOf("ada")[0]?.expiresAt;

  beforeEach(() => {
    store.save({ ...question, permissionId: "p", body: "call" });
    lose();
    connections = new ConnectionStore(house.database);
  });

  it("runs from the end of a server whose lock somebody has removed", () => {
    const registration = { id: "srv_ending", now: 1000 };
    const ending = ServerRegistry.register(house.database, folder.path, registration);
    connections.add(ending.id, "ada", 2000);
    rmSync(join(folder.path, locksFolder), { recursive: true });
    ending.close(5000);
    expect(deadline()).toBe(65_000);
  });

  it("stands still while its client is connected to any server, and runs anew when the last one goes", () => {
    const [here, there] = [house.registry.id, "srv_other"];
    connections.add(here, "ben", 2000);
    expect(deadline()).toBe(61_000);
    connections.add(here, "ada", 2000);
    connections.add(there, "ada", 3000);
    expect(deadline()).toBeUndefined();
    expect(store.putByOthers()).toMatchObject([{ permissionId: "p" }]);
    connections.remove(here, "ada", 30_000);
    expect(deadline()).toBeUndefined();
    connections.remove(there, "ada", 50_000);
    expect(deadline()).toBe(110_000);
    // Nobody comes back to a question whose time was over.
    connections.add(here, "ada", 110_000);
    expect(deadline()).toBe(110_000);
    expect(store.give("p", "ada", "{}", 110_000)).toBe(false);
  });

  it("runs from when the server of its client was last known to live, if that is lost too", () => {
    connections.add("srv_other", "ada", 2000);
    connections.forget("srv_other", 20_000);
    expect(deadline()).toBe(80_000);
    connections.add("srv_other", "ada", 70_000);
    // It lived when the client came, whatever else is known.
    connections.forget("srv_other", 1000);
    expect(deadline()).toBe(130_000);
  });
});
