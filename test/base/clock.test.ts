import { describe, expect, it } from "vitest";
import { localDay, sleep, systemClock, toRfc3339 } from "../../src/base/clock.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

describe("sleep", () => {
  it("resolves when its time has come", async () => {
    const clock = new VirtualScheduler();
    let isOver = false;
    const slept = sleep(clock, 1000).then(() => {
      isOver = true;
    });
    await clock.advance(999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await slept;
  });

  it("rejects with the signal's reason, and leaves no timer", async () => {
    const clock = new VirtualScheduler();
    const controller = new AbortController();
    const slept = sleep(clock, 1000, controller.signal);
    controller.abort(new Error("enough"));
    await expect(slept).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  it("does not begin where the signal is aborted", async () => {
    const clock = new VirtualScheduler();
    await expect(sleep(clock, 1000, AbortSignal.abort(new Error("no")))).rejects.toThrow("no");
    expect(clock.pending).toBe(0);
  });
});

describe("the process's clock", () => {
  it("does not fire a wait at once that is too long for a timer", async () => {
    let fired = false;
    const timer = systemClock.after(2 ** 40, () => {
      fired = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    timer.cancel();
    expect(fired).toBe(false);
  });

  it("writes times as RFC 3339 in UTC", () => {
    expect(toRfc3339(0)).toBe("1970-01-01T00:00:00.000Z");
  });
});

describe("the local day", () => {
  const at = Date.parse("2026-03-01T23:30:00Z");
  it.each([
    ["Pacific/Auckland", "2026-03-02"],
    ["UTC", "2026-03-01"],
    ["America/Los_Angeles", "2026-03-01"],
    ["Europe/Berlin", "2026-03-02"],
  ])("is that of %s", (zone, day) => {
    const before = process.env.TZ;
    process.env.TZ = zone;
    try {
      expect(localDay(at)).toBe(day);
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });
});
