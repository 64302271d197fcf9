import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { untilAborted } from "../../src/base/untilAborted.js";

describe("work against a signal", () => {
  it("ends as the work does, and leaves no listener behind", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(1), signal)).toBe(1);
    const failure = new Error("no");
    await expect(untilAborted(Promise.reject(failure), signal)).rejects.toBe(failure);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("rejects with the signal's reason, and a later failure of the work is nobody's", async () => {
    const controller = new AbortController();
    const work = new Deferred<void>();
    const ended = untilAborted(work.promise, controller.signal);
    const reason = new Error("cancelled");
    controller.abort(reason);
    await expect(ended).rejects.toBe(reason);
    // An unhandled rejection would fail the test run.
    work.reject(new Error("too late"));
    await new Promise<void>((resolve) => setImmediate(resolve));
  });

  it("rejects at once where the signal is aborted already, also beside work that is done", async () => {
    const signal = AbortSignal.abort(new Error("before"));
    await expect(untilAborted(Promise.resolve(1), signal)).rejects.toThrow("before");
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
