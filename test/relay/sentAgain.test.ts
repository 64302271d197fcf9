// What a relay has set aside, and somebody asks for (docs/fleet.md).
import { describe, expect, it } from "vitest";
import { openRelay, Place } from "./place.js";

describe("what is to be sent again", () => {
  /** A relay that has set the first of two completions aside. */
  async function withOneAside() {
    const place = new Place();
    const parts = openRelay(place);
    parts.house.append("bad");
    parts.house.append("good");
    place.answer = ([first, ...rest]) =>
      first?.completion.runId === "bad"
        ? { confirmed: 0, refusal: { kind: "refused", reason: "no" } }
        : { confirmed: rest.length + 1 };
    await parts.clock.advance(10 * 60_000);
    expect(parts.store.countSetAside("place")).toBe(1);
    place.rounds.length = 0;
    return { ...parts, place };
  }

  it("waits with back-off where the place is away, is told, and is told when it goes on", async () => {
    const { house, store, clock, log, place } = await withOneAside();
    place.refuse({ kind: "wait", reason: "away" });
    const since = clock.now();
    store.ask("place", undefined);
    await clock.advance(1000);
    expect(store.find("place")).toMatchObject({ cursor: 2, refusals: 0, trouble: "away" });
    expect(log.fields).toContainEqual({ relay: "place", reason: "away" });
    await clock.advance(7000);
    expect(place.rounds).toHaveLength(4);
    const { troubleSince } = store.find("place") ?? {};
    expect(troubleSince).toBeGreaterThanOrEqual(since);
    expect(troubleSince).toBeLessThanOrEqual(since + 1000);
    place.answer = (events) => ({ confirmed: events.length });
    await clock.advance(60_000);
    expect(store.find("place")).toMatchObject({ cursor: 2, trouble: undefined });
    expect(store.countSetAside("place")).toBe(0);
    expect(log.messages.at(-1)).toBe("a relay goes on");
    house.close();
  });

  it("leaves no trouble behind, and is told, when it is refused again", async () => {
    const { house, store, clock, log, place } = await withOneAside();
    place.refuse({ kind: "wait", reason: "away" });
    store.ask("place", undefined);
    await clock.advance(1000);
    place.refuse({ kind: "refused", reason: "still no" });
    log.messages.length = 0;
    await clock.advance(60_000);
    expect(store.find("place")).toMatchObject({ trouble: undefined });
    expect(store.setAside("place", 9)).toMatchObject([{ reason: "still no" }]);
    expect(log.messages).toContain("a completion is set aside by a relay");
    house.close();
  });

  it("can stop the relay, which is told", async () => {
    const { house, store, clock, log, place } = await withOneAside();
    place.refuse({ kind: "stop", reason: "HTTP status 410" });
    store.ask("place", undefined);
    await clock.advance(60_000);
    expect(place.rounds).toHaveLength(1);
    expect(store.find("place")).toMatchObject({ isStopped: true, trouble: "HTTP status 410" });
    expect(log.messages.at(-1)).toBe("a relay was told to stop");
    house.close();
  });

  it("does not count as a refusal of the one behind the cursor, nor that as one of it", async () => {
    const { house, store, clock, place } = await withOneAside();
    place.refuse({ kind: "refused", reason: "no" });
    house.append("bad too");
    // It was refused often and long: one more refusal has it set aside.
    await clock.advance(6 * 60_000);
    const { refusals, refusedSince } = store.find("place") ?? {};
    expect(refusals).toBe(4);
    store.ask("place", undefined);
    house.database.prepare("UPDATE relays SET refusedSince = refusedSince - 3600000").run();
    place.rounds.length = 0;
    // Otherwise it would be sent again and again, at once.
    place.answer = () => {
      if (place.rounds.length > 5) throw new Error("it is sent again at once");
      return { confirmed: 0, refusal: { kind: "refused", reason: "no" } };
    };
    await clock.advance(5 * 60_000);
    expect(store.nextAsked("place")).toBeUndefined();
    expect(store.countSetAside("place")).toBe(2);
    expect(refusedSince).toBeDefined();
    expect(store.find("place")).toMatchObject({ cursor: 3, refusals: 0, trouble: undefined });
    house.close();
  });
});
