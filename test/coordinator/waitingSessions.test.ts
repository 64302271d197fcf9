// Sessions whose runs wait for a server, or were just taken over: what a client may do to them, and what
// is left of them where a row is damaged, the disk refuses, or a server ends at the wrong moment.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { DomainError } from "../../src/base/errors.js";
import { CoordinatorHouse, temporaryFolder, workspaceId } from "../helpers/coordinatorHouse.js";
import { CountingIds } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
const houses: CoordinatorHouse[] = [];
const canGoOn = () => false;

function open(more: Partial<ConstructorParameters<typeof CoordinatorHouse>[0]> = {}) {
  const house = new CoordinatorHouse({ directory: folder.path, ids, ...more });
  houses.push(house);
  return house;
}

function crash(house: CoordinatorHouse): void {
  houses.splice(houses.indexOf(house), 1);
  house.crash();
}

async function close(house: CoordinatorHouse): Promise<void> {
  houses.splice(houses.indexOf(house), 1);
  await house.close();
}

beforeEach(() => {
  folder = temporaryFolder();
  ids = new CountingIds();
});

afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
  folder.remove();
});

const statuses = (house: CoordinatorHouse) =>
  house.allCompletions().map(({ runId, status, cause }) => `${runId}: ${status} (${cause})`);

/** Begins a run `a` that goes on, with `b` and `c` behind it. */
async function begun(house: CoordinatorHouse, sessionId = "s") {
  house.session(sessionId);
  const turn = await house.begin(sessionId, { runId: "a", goesOn: true });
  for (const runId of ["b", "c"]) house.accept(sessionId, { runId, goesOn: true });
  return turn;
}

/** Begins a run `a` that goes on, and that `b` has joined. */
async function joined(house: CoordinatorHouse) {
  house.session("s");
  const turn = await house.begin("s", { runId: "a", goesOn: true });
  house.accept("s", { runId: "b", options: { whenBusy: "join" }, goesOn: true });
  turn.call();
  await house.clock.settle();
  return turn;
}

const sessionOf = (house: CoordinatorHouse, id = "s") => {
  const row = house.sessions.find(workspaceId, id);
  if (row === undefined) throw new Error(`no session ${id}`);
  return house.coordinator.describe(row);
};

describe("a session that waits", () => {
  it("is busy, and tells how many prompts wait, in a server that cannot go on with it", async () => {
    const dying = open();
    await begun(dying);
    dying.session("idle");
    crash(dying);
    const house = open({ canGoOn });
    expect(sessionOf(house)).toMatchObject({ isBusy: true, queuedPrompts: 2 });
    expect(sessionOf(house, "idle")).toMatchObject({ isBusy: false, queuedPrompts: 0 });
    house.coordinator.cancelSession("s");
    expect(sessionOf(house)).toMatchObject({ isBusy: false, queuedPrompts: 0 });
  });

  it("is not busy where only a paused queue is left of it", async () => {
    const dying = open();
    dying.session("s");
    dying.coordinator.queue.pause("s");
    dying.accept("s", { runId: "a", goesOn: true });
    crash(dying);
    expect(sessionOf(open({ canGoOn }))).toMatchObject({ isBusy: false, queuedPrompts: 1 });
  });

  describe("is given up by its client before anybody has seen that its server died", () => {
    async function house() {
      const seeing = open({ canGoOn });
      const dying = open();
      await begun(dying);
      crash(dying);
      return seeing;
    }
    const all = (cause: string) => ["a", "b", "c"].map((runId) => `${runId}: cancelled (${cause})`);

    it("with `cancelSession`", async () => {
      const seeing = await house();
      expect(seeing.coordinator.cancelSession("s")).toHaveLength(3);
      expect(statuses(seeing)).toEqual(all("user"));
    });

    it("with `cancelRun`", async () => {
      const seeing = await house();
      expect(seeing.coordinator.cancelRun(seeing.row("b"))).toBe("cancelledBeforeStart");
      expect(seeing.coordinator.cancelRun(seeing.row("a"))).toBe("stopping");
      expect(statuses(seeing)).toEqual(["b: cancelled (user)", "a: cancelled (user)"]);
    });

    it("with `clearQueue` and `removeQueued`", async () => {
      const seeing = await house();
      seeing.coordinator.queue.remove("s", `que_${seeing.row("b").position}`);
      expect(seeing.coordinator.queue.waiting.endAll("s", "user", true)).toHaveLength(1);
      expect(statuses(seeing)).toEqual(["b: cancelled (user)", "c: cancelled (user)"]);
    });

    it("with `deleteSession`", async () => {
      const seeing = await house();
      seeing.coordinator.deleteSessions(["s"]);
      expect(statuses(seeing)).toEqual(all("deleted"));
    });

    it("with `deleteWorkspace`", async () => {
      const seeing = await house();
      seeing.coordinator.queue.waiting.endOfWorkspace();
      expect(statuses(seeing)).toEqual(all("deleted"));
    });
  });

  it("loses all of a paused queue by `cancelSession`, not only what goes on by itself", async () => {
    const dying = open();
    dying.session("s");
    dying.coordinator.queue.pause("s");
    dying.accept("s", { runId: "a", goesOn: true });
    dying.accept("s", { runId: "b" });
    crash(dying);
    const house = open();
    house.coordinator.cancelSession("s");
    expect(statuses(house)).toEqual(["a: cancelled (user)", "b: cancelled (user)"]);
  });
});

describe("what is taken over", () => {
  it("ends with those that have joined it, if what is stored of it is damaged", async () => {
    const dying = open();
    await joined(dying);
    dying.accept("s", { runId: "c", goesOn: true });
    const { position } = dying.row("a");
    crash(dying);
    const house = open();
    house.database.prepare("DELETE FROM queuedPrompts WHERE run = ?").run(position);
    house.coordinator.adopt("s");
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(house.allCompletions()).toMatchObject([
      { runId: "a", status: "interrupted", errorName: "StorageDamaged" },
      { runId: "b", status: "interrupted", errorName: "StorageDamaged" },
      { runId: "c", status: "succeeded" },
    ]);
  });

  it("goes on although the disk refuses every write from the moment of its adoption", async () => {
    const dying = open();
    dying.session("s");
    await dying.begin("s", { runId: "own" });
    for (const runId of ["a", "b"]) dying.accept("s", { runId, goesOn: true });
    crash(dying);
    const house = open();
    const { queues } = house;
    vi.spyOn(queues, "prompt").mockImplementationOnce((position) => {
      house.breakDisk();
      return queues.prompt(position);
    });
    house.coordinator.adopt("s");
    house.breakDisk(false);
    for (const _run of ["a", "b"]) {
      (await house.ready("s")).succeed();
      await house.clock.settle();
    }
    expect(statuses(house).slice(1)).toEqual([
      "a: succeeded (undefined)",
      "b: succeeded (undefined)",
    ]);
  });

  it("has an end in each reply before the last one", async () => {
    const dying = open();
    dying.session("s");
    const turn = await dying.begin("s", { runId: "a", goesOn: true });
    const { sink } = turn.request;
    const reply = sink.createMessage({ role: "assistant" });
    reply.addPart({ type: "text", text: "first" });
    const whole = { messageId: reply.id, finish: "tool-calls" };
    sink.progressed?.({ steps: 1, costUsd: 0, tokens: 0, ms: 0, denials: 0, reply: whole });
    reply.finish("toolUse");
    sink.createMessage({ role: "assistant" });
    crash(dying);
    const house = open();
    house.coordinator.adopt("s");
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(house.transcript("s").slice(0, 2)).toEqual([
      "user: hello",
      "assistant: first [toolUse]",
    ]);
  });
});

describe("a polite end", () => {
  it("parks a run that waits to try its configuration again", async () => {
    const dying = open();
    await begun(dying);
    crash(dying);
    const house = open();
    house.coordinator.adopt("s");
    await house.clock.settle();
    house.engine.preparing.fail(new DomainError("ModelNotConfigured", "There is no such model."));
    await house.clock.settle();
    house.coordinator.beginParking();
    await house.clock.settle();
    expect(statuses(house)).toEqual([]);
    await close(house);
    expect(house.coordinator.parked).toEqual(["a", "b", "c"]);
  });

  it("tells of the runs that have joined a parked turn too", async () => {
    const house = open();
    await joined(house);
    await close(house);
    expect(house.coordinator.parked).toEqual(["a", "b"]);
  });

  it("does not take runs back a second time", async () => {
    let undone = 0;
    const gate = new Deferred<string>();
    const undo = async ({ signal }: { signal: AbortSignal }) => {
      undone++;
      signal.addEventListener("abort", () => gate.reject(signal.reason), { once: true });
      return gate.promise;
    };
    const first = open({ undo });
    first.session("s");
    first.accept("s", { runId: "a", text: "/undo", goesOn: true });
    await first.clock.settle();
    expect(undone).toBe(1);
    await close(first);
    expect(first.coordinator.parked).toEqual([]);
    const house = open({ undo });
    house.coordinator.adopt("s");
    await house.clock.settle();
    expect(undone).toBe(1);
    expect(statuses(house)).toEqual(["a: cancelled (shutdown)"]);
  });

  it("lets a run begin nothing that was accepted after its beginning", async () => {
    const house = open();
    house.session("s");
    house.coordinator.beginParking();
    house.accept("s", { runId: "a", goesOn: true });
    await house.clock.settle();
    house.engine.preparing.ready();
    await house.clock.settle();
    expect(house.engine.turns).toEqual([]);
    await close(house);
    expect(house.coordinator.parked).toEqual(["a"]);
    expect(statuses(open())).toEqual([]);
  });

  it("writes nothing more of a turn that could not be parked", async () => {
    const house = open();
    await begun(house);
    const before = house.transcript("s");
    house.database
      .prepare(
        "CREATE TEMP TRIGGER full BEFORE UPDATE OF serverId ON runs BEGIN SELECT RAISE(ABORT, 'full'); END",
      )
      .run();
    await close(house);
    const next = open();
    expect(next.transcript("s")).toEqual(before);
    expect(statuses(next)).toEqual([]);
  });

  it("leaves alone what another server has taken over, because it took this one for dead", async () => {
    const house = new CoordinatorHouse({ directory: folder.path, ids });
    await begun(house);
    house.registry.close(house.clock.now());
    const other = open();
    other.coordinator.adopt("s");
    await other.ready("s");
    const closed = house.coordinator.close("shutdown");
    await house.clock.settle();
    await closed;
    const serverId = other.registry.id;
    for (const runId of ["a", "b", "c"])
      expect(other.row(runId), runId).toMatchObject({ serverId });
    expect(house.coordinator.parked).toEqual([]);
    house.broadcaster.close();
    house.database.close();
  });
});
