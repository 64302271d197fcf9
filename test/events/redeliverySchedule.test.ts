import { describe, expect, it } from "vitest";
import { maxWaitMs, RedeliverySchedule, type Wave } from "../../src/events/redeliverySchedule.js";

function due(schedule: RedeliverySchedule, now: number): Wave {
  const wave = schedule.takeDue(now);
  if (wave === undefined) throw new Error(`nothing is due at ${now}`);
  return wave;
}

describe("what was sent", () => {
  it("is due after the timeout, and not before", () => {
    const schedule = new RedeliverySchedule(1000);
    schedule.sent(7, 0);
    expect(schedule.nextDueAt).toBe(1000);
    expect(schedule.takeDue(999)).toBeUndefined();
    expect(due(schedule, 1000)).toMatchObject({ from: 7, to: 7 });
    expect(schedule.nextDueAt).toBeUndefined();
  });

  it("again is due after twice as long, up to five minutes", () => {
    const schedule = new RedeliverySchedule(1000);
    schedule.sent(7, 0);
    const waits: number[] = [];
    let now = 0;
    for (let n = 0; n < 12; n++) {
      const at = schedule.nextDueAt ?? Number.NaN;
      waits.push(at - now);
      now = at;
      schedule.sent(7, now, due(schedule, now));
    }
    expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(waits.slice(-2)).toEqual([maxWaitMs, maxWaitMs]);
  });

  it("is never due before the timeout that the client asked for, be it longer than five minutes", () => {
    const schedule = new RedeliverySchedule(3 * maxWaitMs);
    schedule.sent(7, 0);
    expect(schedule.nextDueAt).toBe(3 * maxWaitMs);
    schedule.sent(7, 3 * maxWaitMs, due(schedule, 3 * maxWaitMs));
    expect(schedule.nextDueAt).toBe(6 * maxWaitMs);
  });

  it("in a short while is one wave, due when its last is", () => {
    const schedule = new RedeliverySchedule(800);
    schedule.sent(1, 0);
    schedule.sent(2, 100);
    schedule.sent(3, 101);
    expect(due(schedule, 900)).toMatchObject({ from: 1, to: 2 });
    expect(schedule.nextDueAt).toBe(901);
  });

  it("in 100,000 deliveries costs flat memory, and every one is due again", () => {
    const schedule = new RedeliverySchedule(1000);
    for (let n = 1; n <= 100_000; n++) schedule.sent(n, n * 10);
    const waves: Wave[] = [];
    for (;;) {
      const wave = schedule.takeDue(Number.MAX_SAFE_INTEGER);
      if (wave === undefined) break;
      waves.push(wave);
    }
    expect(waves.length).toBeLessThanOrEqual(64);
    const covered = waves.sort((a, b) => a.from - b.from);
    expect(covered[0]?.from).toBe(1);
    for (const [index, wave] of covered.entries()) {
      expect(wave.to + 1).toBe(covered[index + 1]?.from ?? 100_001);
    }
  });

  it("is not forgotten where fresh and repeated deliveries alternate", () => {
    const schedule = new RedeliverySchedule(1000);
    const wave = { from: 1, to: 500, openedAt: 0, dueAt: 0, waitMs: 4000 };
    for (let n = 1; n <= 500; n++) {
      schedule.sent(n, 0, wave);
      schedule.sent(500 + n, 0);
    }
    const seen = new Set<number>();
    for (;;) {
      const next = schedule.takeDue(Number.MAX_SAFE_INTEGER);
      if (next === undefined) break;
      for (let n = next.from; n <= next.to; n++) seen.add(n);
    }
    expect(seen.size).toBe(1000);
  });
});
