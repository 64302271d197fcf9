import { describe, expect, it } from "vitest";
import { Closing } from "../../src/base/closing.js";
import { Deferred } from "../../src/base/deferred.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";

describe("closing", () => {
  it("runs the steps in the reverse order, each when the one before is done", async () => {
    const order: string[] = [];
    const gate = new Deferred<void>();
    const closing = new Closing();
    closing.add(() => void order.push("first"));
    closing.add(async () => {
      order.push("second begins");
      await gate.promise;
      order.push("second ends");
    });
    const closed = closing.close();
    await promisesHaveRun();
    expect(order).toEqual(["second begins"]);
    gate.resolve();
    await closed;
    expect(order).toEqual(["second begins", "second ends", "first"]);
  });

  it("runs every step even when some fail, and tells all failures", async () => {
    const closing = new Closing();
    let isRun = false;
    closing.add(() => {
      isRun = true;
      throw new Error("a");
    });
    closing.add(() => Promise.reject(new Error("b")));
    const failure = await closing.close().catch((error: unknown) => error);
    expect(isRun).toBe(true);
    expect(failure).toBeInstanceOf(AggregateError);
    expect((failure as AggregateError).errors.map(String)).toEqual(["Error: b", "Error: a"]);
  });

  it("happens once, however often it is asked for", async () => {
    const closing = new Closing();
    let times = 0;
    closing.add(() => void times++);
    expect(closing.close()).toBe(closing.close());
    await closing.close();
    expect(times).toBe(1);
  });
});
