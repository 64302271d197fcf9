// Runs that go on after the loss of their server: who takes them over, in which order, how often, and how
// they end otherwise.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { endOldWaiting } from "../../src/coordinator/waitingRuns.js";
import { CoordinatorHouse, temporaryFolder, terms } from "../helpers/coordinatorHouse.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
const houses: CoordinatorHouse[] = [];

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

/** A session `s` on which `a` runs, `b` and `c` wait; the server is lost then. */
async function lost(): Promise<void> {
  const dying = open();
  dying.session("s");
  await dying.begin("s", { runId: "a", goesOn: true });
  for (const runId of ["b", "c"]) dying.accept("s", { runId, goesOn: true });
  crash(dying);
}

/** Ends the turns of a session one after the other; returns their prompts' order. */
async function playOut(house: CoordinatorHouse, sessionId: string, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    (await house.ready(sessionId)).succeed();
    await house.clock.settle();
  }
}

describe("what waits for a server", () => {
  it("is taken over by a prompt to its session, which is queued behind it", async () => {
    await lost();
    const house = open();
    expect(statuses(house)).toEqual([]);
    expect(house.row("a")).toMatchObject({ state: "running", epoch: 0, continuations: 0 });
    house.accept("s", { runId: "d" });
    expect(house.row("a")).toMatchObject({ epoch: 1, continuations: 1 });
    await playOut(house, "s", 4);
    const all = house.allCompletions();
    expect(all.map(({ runId, continuations }) => [runId, continuations])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["d", undefined],
    ]);
    expect(house.transcript("s").filter((line) => line.startsWith("user"))).toHaveLength(4);
  });

  it("keeps its session from a server that cannot go on with it, until one can", async () => {
    await lost();
    const house = open({ canGoOn: ({ env }) => env.length === 0 });
    expect(() => house.accept("s", { runId: "d" })).toThrow(
      expect.objectContaining({ name: "SessionBusy", data: { waiting: true } }),
    );
    expect(house.coordinator.adopt("s")).toBe(false);
    const other = open();
    expect(other.coordinator.adopt("s")).toBe(true);
    await playOut(other, "s", 3);
    expect(statuses(other)).toHaveLength(3);
    house.accept("s", { runId: "d" });
    await playOut(house, "s", 1);
    expect(statuses(house)).toHaveLength(4);
  });

  it("is taken over by one server, though several look at once", async () => {
    await lost();
    const [first, second] = [open(), open()];
    expect(first.coordinator.adopt("s")).toBe(true);
    expect(second.coordinator.adopt("s")).toBe(false);
    await playOut(first, "s", 3);
    expect(second.coordinator.adopt("s")).toBe(false);
    expect(statuses(first)).toHaveLength(3);
  });

  it("stays, while a run beside it that does not go on is interrupted", async () => {
    const dying = open();
    for (const id of ["s", "t"]) dying.session(id);
    await dying.begin("s", { runId: "a" });
    dying.accept("s", { runId: "b", goesOn: true });
    dying.accept("s", { runId: "c" });
    dying.accept("t", { runId: "d" });
    crash(dying);
    const house = open();
    expect(statuses(house)).toEqual([
      "a: interrupted (crash)",
      "c: interrupted (crash)",
      "d: interrupted (crash)",
    ]);
    house.coordinator.adopt("s");
    await playOut(house, "s", 1);
    expect(house.completion("b")).toMatchObject({ status: "succeeded", continuations: 1 });
  });

  it("is parked by a polite end, with what joined its turn", async () => {
    const first = open();
    first.session("s");
    const turn = await first.begin("s", { runId: "a", goesOn: true });
    first.accept("s", { runId: "b", options: { whenBusy: "join" }, goesOn: true });
    turn.call();
    await first.clock.settle();
    first.accept("s", { runId: "c", goesOn: true });
    first.accept("s", { runId: "d" });
    await close(first);
    expect(first.coordinator.parked).toEqual(["a", "b", "c"]);
    const house = open();
    expect(statuses(house)).toEqual(["d: cancelled (shutdown)"]);
    house.coordinator.adopt("s");
    await playOut(house, "s", 2);
    expect(statuses(house).slice(1)).toEqual([
      "a: succeeded (undefined)",
      "b: succeeded (undefined)",
      "c: succeeded (undefined)",
    ]);
  });
});

describe("a waiting run is ended", () => {
  const canGoOn = () => false;

  it("by `cancelRun`, begun or queued; the others stay", async () => {
    await lost();
    const house = open({ canGoOn });
    expect(house.coordinator.cancelRun(house.row("b"))).toBe("cancelledBeforeStart");
    expect(house.coordinator.cancelRun(house.row("a"))).toBe("stopping");
    expect(house.coordinator.cancelRun(house.row("a"))).toBe("alreadyCompleted");
    expect(statuses(house)).toEqual(["b: cancelled (user)", "a: cancelled (user)"]);
    expect(house.completion("b")).toMatchObject({ neverRan: true });
    expect(house.row("c").state).toBe("queued");
  });

  it("by `cancelSession`, which says that it waited", async () => {
    await lost();
    const house = open({ canGoOn });
    expect(house.coordinator.cancelSession("s")).toEqual(
      ["a", "b", "c"].map((runId) => ({ runId, was: "waiting" })),
    );
    expect(statuses(house)).toHaveLength(3);
    expect(house.coordinator.cancelSession("s")).toEqual([]);
    house.accept("s", { runId: "d" });
  });

  it("by `clearQueue` where it is queued, and by `removeQueued`", async () => {
    await lost();
    const house = open({ canGoOn });
    const { position } = house.row("b");
    house.coordinator.queue.remove("s", `que_${position}`);
    expect(statuses(house)).toEqual(["b: cancelled (user)"]);
    expect(house.coordinator.queue.waiting.endAll("s", "user", true)).toEqual([
      { runId: "c", clientId: "client", prompt: "hello" },
    ]);
    expect(house.row("a").state).toBe("running");
  });

  it("by `deleteSession`, and by `deleteWorkspace`", async () => {
    await lost();
    const dying = open();
    dying.session("t");
    dying.accept("t", { runId: "t1", goesOn: true });
    crash(dying);
    const house = open({ canGoOn });
    house.coordinator.deleteSessions(["s"]);
    house.coordinator.queue.waiting.endOfWorkspace();
    expect(statuses(house)).toEqual([
      "a: cancelled (deleted)",
      "b: cancelled (deleted)",
      "c: cancelled (deleted)",
      "t1: cancelled (deleted)",
    ]);
  });

  it("as cancelled, if it was stopping when its server was lost", async () => {
    const dying = open();
    dying.engine.stopsAtOnce = false;
    dying.session("s");
    await dying.begin("s", { runId: "a", goesOn: true });
    expect(dying.coordinator.cancelRun(dying.row("a"))).toBe("stopping");
    crash(dying);
    expect(statuses(open())).toEqual(["a: cancelled (user)"]);
  });

  it("after `limits.waitingDays`, by any server; a younger one stays", async () => {
    const clock = new VirtualScheduler();
    await lost();
    const first = open({ clock });
    await clock.advance(1000);
    first.session("t");
    first.accept("t", { runId: "t1", goesOn: true });
    crash(first);
    const later = new VirtualScheduler(clock.now());
    const house = open({ clock: later, canGoOn });
    const left = { ...house, log: house.log };
    expect(endOldWaiting(left, later.now() - 500)).toBe(3);
    expect(endOldWaiting(left, later.now() - 500)).toBe(0);
    expect(house.allCompletions()).toMatchObject(
      ["a", "b", "c"].map((runId) => ({
        runId,
        status: "interrupted",
        cause: "limit",
        errorName: "WaitedTooLong",
      })),
    );
    expect(house.row("t1").state).not.toBe("completed");
  });
});

describe("a prompt to a session with runs that have waited for `limits.waitingDays`", () => {
  /** The runs of the lost server wait since the first day; a server opens the directory after `days`. */
  async function openAfter(days: number) {
    const clock = new VirtualScheduler();
    await lost();
    crash(open({ clock }));
    const later = new VirtualScheduler(clock.now() + days * 86_400_000);
    return open({ clock: later, waitingDays: 7 });
  }

  it("takes none of them over, though nobody has ended them yet", async () => {
    const house = await openAfter(8);
    house.accept("s", { runId: "d" });
    await playOut(house, "s", 1);
    expect(house.allCompletions()).toMatchObject([
      ...["a", "b", "c"].map((runId) => ({ runId, errorName: "WaitedTooLong" })),
      { runId: "d", status: "succeeded" },
    ]);
  });

  it("takes over what is younger", async () => {
    const house = await openAfter(6);
    house.accept("s", { runId: "d" });
    await playOut(house, "s", 4);
    expect(statuses(house).map((told) => told.slice(0, 12))).toEqual(
      ["a", "b", "c", "d"].map((runId) => `${runId}: succeeded`),
    );
  });
});

describe("a run that stops each server that goes on with it", () => {
  it("is not taken over a fourth time without a finished model call between", async () => {
    await lost();
    for (let adoption = 1; adoption <= 3; adoption++) {
      const house = open();
      house.coordinator.adopt("s");
      await house.ready("s");
      expect(house.row("a").continuations).toBe(adoption);
      crash(house);
    }
    const house = open();
    house.coordinator.adopt("s");
    expect(house.completion("a")).toMatchObject({
      status: "interrupted",
      cause: "crash",
      errorName: "Poisoned",
      continuations: 4,
    });
    await playOut(house, "s", 2);
    expect(statuses(house).slice(1)).toEqual([
      "b: succeeded (undefined)",
      "c: succeeded (undefined)",
    ]);
  });

  it("is taken over again and again, if it comes further each time", async () => {
    await lost();
    for (let adoption = 1; adoption <= 6; adoption++) {
      const house = open();
      house.coordinator.adopt("s");
      const { request } = await house.ready("s");
      request.sink.progressed?.({ steps: adoption, costUsd: 0, tokens: 0, ms: 0, denials: 0 });
      crash(house);
    }
    const house = open();
    house.coordinator.adopt("s");
    const turn = await house.ready("s");
    expect(turn.request.begun?.progress).toMatchObject({ steps: 6 });
    turn.succeed();
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "succeeded", continuations: 7 });
  });

  it("does not end because servers end politely", async () => {
    await lost();
    for (let adoption = 1; adoption <= 5; adoption++) {
      const house = open();
      house.coordinator.adopt("s");
      await house.ready("s");
      await close(house);
    }
    const house = open();
    house.coordinator.adopt("s");
    await playOut(house, "s", 3);
    expect(house.completion("a")).toMatchObject({ status: "succeeded", continuations: 6 });
  });

  it("ends at the third time at which it could not be loaded, also if it has not begun", async () => {
    const dying = open();
    dying.session("s");
    dying.accept("s", { runId: "a", goesOn: true });
    dying.accept("s", { runId: "b", goesOn: true });
    crash(dying);
    for (let load = 1; load <= 3; load++) {
      const house = open();
      house.coordinator.adopt("s");
      await house.clock.settle();
      crash(house);
    }
    const house = open();
    house.coordinator.adopt("s");
    expect(house.completion("a")).toMatchObject({ errorName: "Poisoned", neverRan: true });
    await playOut(house, "s", 1);
    expect(house.completion("b")).toMatchObject({ status: "succeeded" });
  });
});

describe("a configuration that does not fit a run any more", () => {
  const misfit = () => new DomainError("ModelNotConfigured", "There is no such model.");

  it("fails it at the third try, a minute apart", async () => {
    await lost();
    const house = open();
    house.coordinator.adopt("s");
    for (const rest of [60_000, 60_000]) {
      await house.clock.settle();
      house.engine.preparing.fail(misfit());
      await house.clock.advance(rest - 1);
      expect(() => house.engine.preparing).toThrow();
      expect(house.completion("a")).toBeUndefined();
      await house.clock.advance(1);
    }
    house.engine.preparing.fail(misfit());
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({
      status: "failed",
      errorName: "ModelNotConfigured",
      continuations: 1,
    });
  });

  it("is no matter if it fits at the second try", async () => {
    await lost();
    const house = open();
    house.coordinator.adopt("s");
    await house.clock.settle();
    house.engine.preparing.fail(misfit());
    await house.clock.advance(60_000);
    (await house.ready("s")).succeed();
    await house.clock.settle();
    expect(house.completion("a")).toMatchObject({ status: "succeeded" });
  });

  it("is not tried again for a run that was accepted here, nor for another fault", async () => {
    const house = open();
    house.session("t");
    house.accept("t", { runId: "own", goesOn: true });
    await house.clock.settle();
    house.engine.preparing.fail(misfit());
    await house.clock.settle();
    expect(house.completion("own")).toMatchObject({ status: "failed" });
    await close(house);
    await lost();
    const next = open();
    next.coordinator.adopt("s");
    await next.clock.settle();
    next.engine.preparing.fail(new Error("something else"));
    await next.clock.settle();
    expect(next.completion("a")).toMatchObject({ errorName: "InternalError" });
  });

  it("is given up by a cancel, and left to the next server by a polite end", async () => {
    await lost();
    const house = open();
    house.coordinator.adopt("s");
    await house.clock.settle();
    house.engine.preparing.fail(misfit());
    await house.clock.settle();
    await close(house);
    expect(house.coordinator.parked).toEqual(["a", "b", "c"]);
    const next = open();
    next.coordinator.adopt("s");
    await next.clock.settle();
    next.engine.preparing.fail(misfit());
    await next.clock.settle();
    next.coordinator.cancelRun(next.row("a"));
    await next.clock.settle();
    expect(next.completion("a")).toMatchObject({ status: "cancelled", cause: "user" });
  });
});

describe("a server that was taken for dead and lives", () => {
  /** The lock of a house does not hold. */
  async function beTakenForDead(house: CoordinatorHouse): Promise<CoordinatorHouse> {
    house.registry.close(house.clock.now());
    const other = open();
    other.coordinator.adopt("s");
    await other.ready("s");
    return other;
  }

  it("stops its turn, and writes neither messages nor an outcome", async () => {
    const house = new CoordinatorHouse({ directory: folder.path, ids });
    house.session("s");
    const turn = await house.begin("s", { runId: "a", goesOn: true });
    house.accept("s", { runId: "b", goesOn: true });
    const other = await beTakenForDead(house);
    const before = other.transcript("s");
    turn.succeed("what nobody may read");
    await house.clock.settle();
    expect(house.coordinator.isBusy).toBe(false);
    expect(other.transcript("s")).toEqual(before);
    expect(other.row("a").state).toBe("running");
    other.engine.turnOf("s").succeed("once");
    await other.clock.settle();
    await playOut(other, "s", 1);
    expect(statuses(other)).toEqual(["a: succeeded (undefined)", "b: succeeded (undefined)"]);
    expect(house.engine.turns).toHaveLength(1);
    house.broadcaster.close();
    house.database.close();
  });

  it("is told by `dropLost`, though it writes nothing", async () => {
    const house = new CoordinatorHouse({ directory: folder.path, ids });
    house.session("s");
    const turn = await house.begin("s", { runId: "a", goesOn: true });
    const other = await beTakenForDead(house);
    expect(turn.isStopping).toBe(false);
    house.coordinator.dropLost();
    expect(turn.request.signal.aborted).toBe(true);
    await house.clock.settle();
    expect(house.coordinator.isBusy).toBe(false);
    other.engine.turnOf("s").succeed();
    await other.clock.settle();
    expect(statuses(other)).toEqual(["a: succeeded (undefined)"]);
    house.broadcaster.close();
    house.database.close();
  });

  it("cannot cancel what another server goes on with", async () => {
    const house = new CoordinatorHouse({ directory: folder.path, ids });
    house.session("s");
    await house.begin("s", { runId: "a", goesOn: true });
    house.accept("s", { runId: "b", goesOn: true });
    const other = await beTakenForDead(house);
    house.coordinator.queue.clear("s");
    house.coordinator.cancelSession("s");
    await house.clock.settle();
    expect(statuses(other)).toEqual([]);
    expect(other.row("b").state).toBe("queued");
    other.engine.turnOf("s").succeed();
    await other.clock.settle();
    await playOut(other, "s", 1);
    expect(statuses(other)).toHaveLength(2);
    house.broadcaster.close();
    house.database.close();
  });
});

describe("a turn that goes on because a run has joined it", () => {
  const mine = {
    mode: "plan" as const,
    trusted: true,
    env: ["MINE"],
    rules: { allow: ["read(a)", "read(b)"], deny: ["bash(rm *)"] },
    model: { provider: "p", model: "mine" },
  };
  const others = {
    mode: "allow" as const,
    trusted: false,
    env: ["OTHERS"],
    rules: { allow: ["read(b)"], deny: [] },
    model: { provider: "p", model: "others" },
  };

  it.each([
    ["looser", mine, others],
    ["stricter", { ...others, model: mine.model }, { ...mine, trusted: false }],
  ])("goes on in what both allow, if the run that joins has %s terms", async (_, own, joining) => {
    const house = open();
    house.session("s");
    const turn = await house.begin("s", { runId: "a", terms: own });
    const options = { whenBusy: "join" } as const;
    house.accept("s", { runId: "b", clientId: "other", options, goesOn: true, terms: joining });
    turn.call();
    await house.clock.settle();
    const kept = JSON.parse(house.goingOn.of(house.row("a").position)?.terms ?? "");
    expect({ ...kept, env: kept.env.toSorted() }).toEqual({
      mode: "plan",
      trusted: false,
      env: ["MINE", "OTHERS"],
      rules: { allow: ["read(b)"], deny: ["bash(rm *)"] },
      model: { provider: "p", model: "mine" },
    });
    turn.succeed();
    await house.clock.settle();
  });

  it("leaves to the next server by what the commands are known that it had begun", async () => {
    const house = open({ commands: { own: "mine", end: async () => true } });
    house.session("s");
    const turn = await house.begin("s", { runId: "a" });
    house.accept("s", { runId: "b", options: { whenBusy: "join" }, goesOn: true });
    turn.call();
    await house.clock.settle();
    expect(house.goingOn.of(house.row("a").position)?.commandMark).toBe("mine");
    turn.succeed();
    await house.clock.settle();
  });

  it("goes on in what all allow that join at once", async () => {
    const house = open();
    house.session("s");
    const turn = await house.begin("s", { runId: "a", terms: { ...others, mode: "allow" } });
    for (const [runId, mode] of [
      ["b", "acceptEdits"],
      ["c", "ask"],
    ] as const) {
      const sent = { runId, options: { whenBusy: "join" }, goesOn: true } as const;
      house.accept("s", { ...sent, terms: { ...others, mode } });
    }
    turn.call();
    await house.clock.settle();
    const kept = JSON.parse(house.goingOn.of(house.row("a").position)?.terms ?? "");
    expect(kept).toMatchObject({ mode: "ask" });
    turn.succeed();
    await house.clock.settle();
  });
});

it("what is stored of a run is gone with its end", async () => {
  await lost();
  const house = open();
  house.coordinator.adopt("s");
  await playOut(house, "s", 3);
  for (const table of ["goingOn", "queuedPrompts"]) {
    expect(house.database.prepare(`SELECT * FROM ${table}`).all(), table).toEqual([]);
  }
});

it("no value of a variable is on disk, only the names", async () => {
  await lost();
  const house = open();
  const { position } = house.row("a");
  expect(JSON.parse(house.goingOn.of(position)?.terms ?? "")).toEqual(terms);
});
