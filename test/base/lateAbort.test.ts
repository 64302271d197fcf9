import { expect, it, onTestFinished, vi } from "vitest";
import { LateAbort } from "../../src/base/lateAbort.js";

it("makes no signal until somebody asks for one, and always gives the same", () => {
  let made = 0;
  const counting = class extends AbortController {
    constructor() {
      super();
      made++;
    }
  };
  vi.stubGlobal("AbortController", counting);
  onTestFinished(() => void vi.unstubAllGlobals());
  const late = new LateAbort();
  late.onAbort(() => {});
  expect(late.aborted).toBe(false);
  late.abort(new Error("over"));
  expect(late.aborted).toBe(true);
  expect(made).toBe(0);
  const { signal } = late;
  expect(late.signal).toBe(signal);
  expect(made).toBe(1);
  expect(signal.aborted).toBe(true);
});

it("aborts once, with the first reason, whether its signal was made before or is made after", () => {
  const reason = new Error("first");
  const [before, after] = [new LateAbort(), new LateAbort()];
  const { signal } = before;
  for (const late of [before, after]) {
    late.abort(reason);
    late.abort(new Error("second"));
  }
  expect(signal.reason).toBe(reason);
  expect(after.signal.reason).toBe(reason);
});

it("calls whoever listens once, at once if it is aborted already, and not those who left", () => {
  const late = new LateAbort();
  const heard: string[] = [];
  late.onAbort(() => heard.push("stays"));
  const leave = late.onAbort(() => heard.push("left"));
  leave();
  late.abort(undefined);
  late.abort(undefined);
  late.onAbort(() => heard.push("late"));
  expect(heard).toEqual(["stays", "late"]);
});
