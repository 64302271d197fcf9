// A relay on a real file, with a place that a test decides about.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import type { Delivered } from "../../src/relay/sink.js";
import { keepAcknowledgedMs } from "../../src/storage/pruner.js";
import { isLong } from "../crash/longRun.js";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";
import { CountingIds, promisesHaveRun } from "../helpers/virtualScheduler.js";
import { folder, openRelay, Place } from "./place.js";
import { RelayHistory, relayStepArbitrary } from "./relayModel.js";

describe("the model of a relay", () => {
  const runs = isLong ? 2000 : 60;
  let deaths = 0;
  it("holds in random histories", { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(relayStepArbitrary, { maxLength: 60, size: "max" }),
        async (steps) => {
          const own = temporaryFolder();
          try {
            const history = new RelayHistory(own.path);
            for (const step of steps) await history.take(step);
            await history.finish();
            deaths += history.deaths;
            // What is refused for good may be set aside, and comes later.
            const maySetAside = steps.some(
              (step) =>
                "mood" in step && ["refused", "tooLarge"].includes(step.mood.refusal?.kind ?? ""),
            );
            if (!maySetAside) expect(history.inOrder()).toBe(true);
          } finally {
            own.remove();
          }
        },
      ),
      { numRuns: runs },
    );
    expect(deaths, "servers have died within a step").toBeGreaterThan(0);
  });
});

describe("what a relay sends", () => {
  it("is everything that is stored, in order, whoever it is for, then each new one at once", async () => {
    const place = new Place();
    const { house, relay, clock, store } = openRelay(place);
    house.append("r1", "ada");
    house.append("r2", "ben");
    await clock.advance(0);
    expect(place.runs).toEqual(["r1", "r2"]);
    house.append("r3", "ada");
    relay.wake();
    await clock.advance(0);
    expect(place.runs).toEqual(["r1", "r2", "r3"]);
    expect(store.find("place")).toMatchObject({ cursor: 3, trouble: undefined });
    house.close();
  });

  it("is what other servers have written too, within a second", async () => {
    const place = new Place();
    const { house, clock } = openRelay(place);
    await clock.advance(0);
    const other = new OutboxHouse(folder.path, {
      clock,
      ids: new CountingIds(1000),
    });
    other.append("theirs");
    other.close();
    await clock.advance(1000);
    expect(place.runs).toEqual(["theirs"]);
    house.close();
  });

  it("never touches an acknowledgement", async () => {
    const place = new Place();
    const { house, clock } = openRelay(place);
    house.append("r1");
    await clock.advance(0);
    expect(house.outbox.listPending("client").completions).toMatchObject([
      { runId: "r1", attempt: 0 },
    ]);
    house.close();
  });

  it("is a damaged completion too, as damaged", async () => {
    const place = new Place();
    const { house, clock } = openRelay(place);
    house.append("r1");
    house.database.prepare("UPDATE completions SET body = 'x'").run();
    await clock.advance(0);
    expect(JSON.parse(place.rounds[0]?.[0]?.json ?? "").data).toMatchObject({
      errorName: "StorageDamaged",
      runId: "r1",
    });
    house.close();
  });
});

describe("a place that does not take it", () => {
  it("is asked again with back-off, and keeps nobody waiting", async () => {
    const place = new Place();
    const { house, store, clock, log } = openRelay(place);
    house.append("r1");
    place.refuse({ kind: "wait", reason: "away" });
    await clock.advance(0);
    const waits: number[] = [];
    for (let round = 0; round < 9; round++) {
      waits.push(clock.nextIn ?? 0);
      await clock.advance(clock.nextIn ?? 0);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(store.find("place")).toMatchObject({ cursor: 0, trouble: "away" });
    expect(log.messages.filter((message) => message === "a relay waits")).toHaveLength(1);
    place.answer = (events) => ({ confirmed: events.length });
    await clock.advance(60_000);
    expect(store.find("place")).toMatchObject({ cursor: 1, trouble: undefined });
    house.close();
  });

  it("keeps the others of a round from being sent twice, and from overtaking", async () => {
    const place = new Place();
    const { house, clock } = openRelay(place);
    for (const runId of ["r1", "r2", "r3"]) house.append(runId);
    place.refuse({ kind: "wait", reason: "full" }, 1);
    await clock.advance(0);
    place.answer = (events) => ({ confirmed: events.length });
    await clock.advance(1000);
    expect(place.rounds.map((round) => round.map(({ completion }) => completion.runId))).toEqual([
      ["r1", "r2", "r3"],
      ["r2", "r3"],
    ]);
    house.close();
  });

  it("has it set aside after five refusals over ten minutes, told, and sent again when asked", async () => {
    const place = new Place();
    const { house, store, clock, log } = openRelay(place);
    const id = house.append("bad");
    house.append("good");
    place.answer = ([first, ...rest]) =>
      first?.completion.runId === "bad"
        ? { confirmed: 0, refusal: { kind: "refused", reason: "no" } }
        : { confirmed: rest.length + 1 };
    await clock.advance(10 * 60_000 - 1);
    expect(place.rounds).toHaveLength(4);
    expect(store.find("place")).toMatchObject({ cursor: 0, refusals: 4 });
    await clock.advance(1);
    expect(store.find("place")).toMatchObject({ cursor: 2, refusals: 0, trouble: undefined });
    expect(store.setAside("place", 9)).toMatchObject([{ completionId: id, reason: "no" }]);
    expect(log.messages).toContain("a completion is set aside by a relay");
    // Asked for and refused again: it stays.
    expect(store.ask("place", id)).toBe(1);
    await clock.advance(1000);
    expect(store.countSetAside("place")).toBe(1);
    expect(store.nextAsked("place")).toBeUndefined();
    place.answer = (events) => ({ confirmed: events.length });
    expect(store.ask("place", undefined)).toBe(1);
    await clock.advance(1000);
    expect(store.countSetAside("place")).toBe(0);
    expect(place.runs.at(-1)).toBe("bad");
    house.close();
  });

  it("counts refusals on in the next server", async () => {
    const place = new Place();
    place.refuse({ kind: "refused", reason: "no" });
    const first = openRelay(place);
    first.house.append("bad");
    await first.clock.advance(20_000);
    const { now } = { now: first.clock.now() };
    await first.relay.close(Promise.resolve());
    first.house.close();
    const second = openRelay(place);
    await second.clock.advance(now - second.clock.now());
    expect(second.store.find("place")?.refusals).toBeGreaterThanOrEqual(2);
    await second.clock.advance(16 * 60_000);
    expect(second.store.find("place")).toMatchObject({ cursor: 1 });
    second.house.close();
  });

  it("stops a relay that it wants nothing more of, until a person says go", async () => {
    const place = new Place();
    const { house, store, clock } = openRelay(place);
    house.append("r1");
    place.refuse({ kind: "stop", reason: "HTTP status 410" });
    await clock.advance(24 * 60 * 60_000);
    expect(place.rounds).toHaveLength(1);
    expect(store.find("place")).toMatchObject({ isStopped: true, trouble: "HTTP status 410" });
    place.answer = (events) => ({ confirmed: events.length });
    store.ask("place", undefined);
    await clock.advance(1000);
    expect(store.find("place")).toMatchObject({ isStopped: false, cursor: 1 });
    house.close();
  });

  it("gets a shorter text, then no output, each marked, and the next one whole", async () => {
    const place = new Place();
    const { house, clock, store } = openRelay(place);
    const text = `"\u0007é😀`.repeat(1000);
    house.append("long", "client", "s", text);
    house.append("short");
    const mostBytes = 4000;
    place.answer = (events) => {
      const index = events.findIndex(({ json }) => Buffer.byteLength(json ?? "") > mostBytes);
      if (index < 0) return { confirmed: events.length };
      return { confirmed: index, refusal: { kind: "tooLarge", reason: "large", mostBytes } };
    };
    await clock.advance(0);
    await clock.advance(0);
    const [cut, whole] = place.rounds
      .slice(1)
      .map(([event]) => JSON.parse(event?.json ?? "{}").data);
    expect(cut).toMatchObject({ runId: "long", textTruncated: true });
    expect(text.startsWith(cut.text)).toBe(true);
    expect(Buffer.byteLength(place.rounds[1]?.[0]?.json ?? "")).toBeGreaterThan(mostBytes - 20);
    expect(whole).toMatchObject({ runId: "short", text: "short" });
    expect(whole.textTruncated).toBeUndefined();
    expect(store.find("place")).toMatchObject({ cursor: 2 });
    house.close();
  });

  it("has set aside what does not fit however short it is", async () => {
    const place = new Place();
    const { house, clock, store } = openRelay(place);
    house.append("long", "client", "s", "a".repeat(5000));
    place.refuse({ kind: "tooLarge", reason: "tiny" });
    await clock.advance(11 * 60_000);
    expect(store.setAside("place", 9)).toHaveLength(1);
    expect(store.find("place")).toMatchObject({ cursor: 1 });
    house.close();
  });
});

describe("what a relay holds on to", () => {
  it("is everything behind its cursor, until it is forgotten", async () => {
    const place = new Place();
    const { house, store, clock } = openRelay(place);
    place.refuse({ kind: "wait", reason: "away" });
    for (const runId of ["r1", "r2", "r3"]) {
      house.append(runId);
      house.acknowledge(runId);
    }
    await clock.advance(0);
    const late = clock.now() + 2 * keepAcknowledgedMs;
    expect(house.completions.prune(late, 10)).toBe(0);
    // Also from a program that knows nothing of relays.
    house.database.prepare("DELETE FROM completions").run();
    expect(house.of("r1")).toBeDefined();
    store.register("second", 0);
    place.answer = (events) => ({ confirmed: events.length });
    await clock.advance(1000);
    expect(store.find("place")).toMatchObject({ cursor: 3 });
    expect(house.completions.prune(late, 10)).toBe(0);
    expect(store.forget("second")).toBe(true);
    expect(store.forget("second")).toBe(false);
    expect(house.completions.prune(late, 10)).toBe(3);
    house.close();
  });

  it("does not keep what others have got from being pruned", async () => {
    const place = new Place();
    const { house, store, clock } = openRelay(place);
    for (let run = 0; run < 40; run++) {
      house.append(`r${run}`);
      house.acknowledge(`r${run}`);
    }
    await clock.advance(0);
    store.change(
      "place",
      { cursor: 40, refusals: 0, refusedSince: undefined, trouble: undefined, isStopped: false },
      0,
      { sequence: 1, completionId: "x", reason: "no", at: 0 },
    );
    const late = clock.now() + 2 * keepAcknowledgedMs;
    expect(house.completions.prune(late, 10)).toBe(10);
    while (house.completions.prune(late, 10) > 0);
    expect(house.of("r0")).toBeDefined();
    expect(house.of("r1")).toBeUndefined();
    house.close();
  });

  it("is the text of an acknowledged completion too, whose session may be deleted", async () => {
    const place = new Place();
    const { house, confirmed, clock } = openRelay(place);
    place.refuse({ kind: "wait", reason: "away" });
    const id = house.append("r1");
    await clock.advance(0);
    expect(confirmed).toEqual([]);
    place.answer = (events) => ({ confirmed: events.length });
    await clock.advance(1000);
    // Whoever shares texts is told now.
    expect(confirmed).toEqual([id]);
    house.close();
  });
});

describe("the end of a server", () => {
  it("gives a relay that gets on the time for what is left", async () => {
    const place = new Place();
    place.batch = 1;
    const { house, relay, clock } = openRelay(place);
    for (const runId of ["r1", "r2", "r3"]) house.append(runId);
    const closing = relay.close(new Promise(() => {}));
    await clock.advance(0);
    await closing;
    expect(place.runs).toEqual(["r1", "r2", "r3"]);
    house.close();
  });

  it("waits for no place that is away", async () => {
    const place = new Place();
    const { house, relay, clock } = openRelay(place);
    house.append("r1");
    place.refuse({ kind: "wait", reason: "away" });
    await clock.advance(0);
    await relay.close(new Promise(() => {}));
    expect(clock.pending).toBe(0);
    house.close();
  });

  it.each(["a delivery that is never answered", "a connection that is never closed"])(
    "waits no longer than a second for a place that does not break off: %s",
    async (what) => {
      const place = new Place();
      const { house, relay, clock, store } = openRelay(place);
      house.append("r1");
      const never = new Promise<never>(() => {});
      if (what.startsWith("a delivery")) place.answer = () => never;
      else place.close = () => never;
      await clock.advance(0);
      let isOver = false;
      const closing = relay.close(Promise.resolve()).then(() => {
        isOver = true;
      });
      await clock.advance(999);
      expect(isOver).toBe(false);
      await clock.advance(1);
      expect(isOver).toBe(true);
      await closing;
      expect(clock.pending).toBe(0);
      expect(store.find("place")).toMatchObject({ trouble: undefined });
      house.close();
    },
  );

  it("stores nothing of an answer that comes after it, and the next server sends again", async () => {
    const place = new Place();
    const { house, relay, clock, log } = openRelay(place);
    house.append("r1");
    const late = new Deferred<Delivered>();
    place.answer = () => late.promise;
    await clock.advance(0);
    const closing = relay.close(Promise.resolve());
    await clock.advance(1000);
    await closing;
    house.close();
    late.resolve({ confirmed: 1 });
    await promisesHaveRun();
    expect(log.messages).toEqual([]);
    const next = new Place();
    const second = openRelay(next);
    await second.clock.advance(0);
    expect(next.runs).toEqual(["r1"]);
    second.house.close();
  });

  it("comes although the disk takes nothing, and the next server sends again under the same ids", async () => {
    const place = new Place();
    const { house, relay, clock, log } = openRelay(place);
    const id = house.append("r1");
    place.answer = (events) => {
      house.breakDisk();
      return { confirmed: events.length };
    };
    await clock.advance(0);
    await promisesHaveRun();
    expect(log.messages).toContain("a relay goes on later");
    await relay.close(new Promise(() => {}));
    house.breakDisk(false);
    house.close();
    const next = new Place();
    const second = openRelay(next);
    await second.clock.advance(0);
    expect(next.rounds.flat().map(({ completion }) => completion.completionId)).toEqual([id]);
    expect(next.rounds[0]?.[0]?.json).toBe(place.rounds[0]?.[0]?.json);
    second.house.close();
  });
});
