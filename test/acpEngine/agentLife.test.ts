// When an agent's program is started, shared and ended.
import { describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { MemoryAgents } from "../helpers/memoryAgents.js";
import { inVirtualTime, MemorySession, memoryEngine } from "../helpers/memoryEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";

function house(limits = {}) {
  const clock = new VirtualScheduler();
  const agents = new MemoryAgents();
  const engine = memoryEngine(agents.start, clock);
  const session = (id: string) => new MemorySession(engine, id, limits);
  return { clock, agents, engine, session };
}

describe("a cancelled turn", () => {
  it("waits ten seconds for the agent's answer, and then ends its program", async () => {
    const { clock, agents, session } = house();
    const { outcome, abort } = session("s").start("hang");
    await clock.settle();
    agents.running?.chunk("own-0", "so far");
    const begun = clock.now();
    abort.abort(new Error("cancelled"));
    await clock.advance(9_999);
    expect(agents.calls("session/cancel")).toHaveLength(1);
    expect(agents.running?.isEnding).toBe(false);
    expect(await inVirtualTime(clock, outcome)).toMatchObject({
      status: "cancelled",
      text: "so far",
    });
    expect(clock.now() - begun).toBe(10_000);
    expect(agents.running).toBeUndefined();
  });

  it("withdraws its question, and keeps the agent that answers", async () => {
    const { clock, agents, session } = house();
    const one = session("s");
    const withdrawn = new Deferred<void>();
    one.ask = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          withdrawn.resolve();
          reject(signal.reason);
        });
      });
    const { outcome, abort } = one.start("ask");
    await clock.settle();
    const chosen = agents.running?.askPermission("own-0");
    await clock.settle();
    abort.abort(new Error("cancelled"));
    await withdrawn.promise;
    expect(await chosen).toBe("cancelled");
    agents.running?.answer("own-0", { stopReason: "cancelled" });
    expect(await inVirtualTime(clock, outcome)).toMatchObject({ status: "cancelled" });
    expect(agents.running).toBeDefined();
  });
});

describe("a question that the agent leaves open when its turn ends", () => {
  it("is withdrawn before the turn is over", async () => {
    const { clock, agents, session } = house();
    const one = session("s");
    let isOpen = false;
    one.ask = async (_, signal) => {
      isOpen = true;
      try {
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
        return undefined;
      } finally {
        await clock.settle();
        isOpen = false;
      }
    };
    const { outcome } = one.start("ask");
    await clock.settle();
    const chosen = agents.running?.askPermission("own-0");
    await clock.settle();
    expect(isOpen).toBe(true);
    agents.running?.answer("own-0");
    expect(await inVirtualTime(clock, outcome)).toMatchObject({ status: "succeeded" });
    expect(isOpen).toBe(false);
    expect(await chosen).toBe("cancelled");
  });
});

describe("a program that is being ended", () => {
  it("gets no other turn: the next one starts when nothing of it is left", async () => {
    const { clock, agents, session } = house();
    const stuck = session("s").start("hang");
    await clock.settle();
    const first = agents.running;
    const ending = new Deferred<void>();
    if (first !== undefined) first.ending = ending.promise;
    stuck.abort.abort(new Error("cancelled"));
    await clock.advance(10_000);
    expect(first?.isEnding).toBe(true);
    const next = session("t").start("next");
    await clock.settle();
    expect(agents.programs).toHaveLength(1);
    ending.resolve();
    await clock.settle();
    expect(agents.programs).toHaveLength(2);
    agents.running?.answer("own-1");
    expect(await inVirtualTime(clock, next.outcome)).toMatchObject({ status: "succeeded" });
    expect(await inVirtualTime(clock, stuck.outcome)).toMatchObject({ status: "cancelled" });
  });

  it("by its own death is followed by another one when the rest of its tree is gone too", async () => {
    const { clock, agents, session } = house();
    const one = session("s");
    const lost = one.start("die");
    await clock.settle();
    const rest = new Deferred<void>();
    const first = agents.running;
    if (first !== undefined) first.ending = rest.promise;
    first?.die();
    expect(await inVirtualTime(clock, lost.outcome)).toMatchObject({ errorName: "EngineFailed" });
    const next = one.start("next");
    await clock.settle();
    expect(agents.programs).toHaveLength(1);
    rest.resolve();
    await clock.advance(1_000);
    expect(agents.programs).toHaveLength(2);
    agents.running?.answer("own-0");
    expect(await inVirtualTime(clock, next.outcome)).toMatchObject({ status: "succeeded" });
  });
});

describe("an agent that does not answer `initialize`", () => {
  it("holds up neither a cancel nor the end of the workspace", async () => {
    const { clock, agents, engine, session } = house();
    agents.handlers.initialize = () => {};
    const { outcome, abort } = session("s").start("hi");
    await clock.settle();
    const begun = clock.now();
    abort.abort(new Error("cancelled"));
    expect(await inVirtualTime(clock, outcome)).toMatchObject({ status: "cancelled" });
    expect(clock.now()).toBe(begun);
    await inVirtualTime(clock, engine.dispose());
    expect(clock.now()).toBe(begun);
    expect(agents.running).toBeUndefined();
  });

  it("fails the run after two minutes, however little an agent may be silent", async () => {
    const { clock, agents, session } = house({ providerIdleSeconds: 1 });
    agents.handlers.initialize = () => {};
    const begun = clock.now();
    const { outcome } = session("s").start("hi");
    expect(await inVirtualTime(clock, outcome)).toMatchObject({
      status: "failed",
      errorName: "EngineFailed",
      error: expect.stringContaining("did not answer `initialize` within 120 seconds"),
    });
    expect(clock.now() - begun).toBeGreaterThanOrEqual(120_000);
    expect(agents.running).toBeUndefined();
  });
});
