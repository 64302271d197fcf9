import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { describe, expect, it } from "vitest";
import { callModel, type ModelCall } from "../../src/agent/modelCall.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { FakeModel, finish, says } from "../helpers/fakeModel.js";
import { ManualClock } from "../helpers/manualClock.js";

const surroundings = { clock: new ManualClock(), ids: randomIds, log: silentLog };

function call(model: FakeModel, signal = new AbortController().signal): ModelCall {
  const options = { prompt: [] };
  return { model, providerId: "fake", options, signal, idleSeconds: 300, random: () => 0 };
}

function many(count: number): LanguageModelV3StreamPart[] {
  const delta: LanguageModelV3StreamPart = { type: "text-delta", id: "t", delta: "0123456789" };
  return [{ type: "text-start", id: "t" }, ...Array(count).fill(delta), finish()];
}

describe("a reply without an end", () => {
  const endless = (part: LanguageModelV3StreamPart, most: number) => {
    let sent = 0;
    const replies = [1, 2].map(
      () =>
        async function* (): AsyncGenerator<LanguageModelV3StreamPart> {
          yield { type: "text-start", id: "t" };
          while (sent++ < most) yield part;
        },
    );
    return { model: new FakeModel(...replies), count: () => sent };
  };

  it.each([
    ["text", { type: "text-delta", id: "t", delta: "x".repeat(1024 * 1024) }, 100],
    ["a call's input", { type: "tool-input-delta", id: "t", delta: "x".repeat(1024 * 1024) }, 100],
    ["calls", { type: "tool-input-start", id: "c", toolName: "read" }, 10_000],
    ["blocks of text", { type: "text-start", id: "u" }, 10_000],
  ] as const)("of %s is broken off, and the call fails", async (_, part, most) => {
    const { model, count } = endless(part, most);
    const clock = new ManualClock();
    const receiver = { part: () => {}, restart: () => {} };
    const calling = callModel(call(model), receiver, { ...surroundings, clock });
    let isOver = false;
    const over = calling.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      // The pause before the second try.
      clock.advance(60_000);
    }
    await over;
    expect(await calling).toMatchObject({
      kind: "failed",
      failure: { errorName: "ProviderError" },
    });
    expect(count()).toBeLessThan(most / 2);
  });
});

describe("a model call", () => {
  it("throws on what its receiver throws, and closes the stream", async () => {
    let isClosed = false;
    const model = new FakeModel(async function* (): AsyncGenerator<LanguageModelV3StreamPart> {
      try {
        yield* says("a");
      } finally {
        isClosed = true;
      }
    });
    const receiver = {
      part: () => {
        throw new Error("disk full");
      },
      restart: () => {},
    };
    await expect(callModel(call(model), receiver, surroundings)).rejects.toThrow("disk full");
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(true);
    expect(surroundings.clock.pending).toBe(0);
  });

  it("leaves no listener on the turn's signal, however many chunks come", async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    let most = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      most = Math.max(most, ++listeners);
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    const receiver = { part: () => {}, restart: () => {} };
    await callModel(call(new FakeModel(many(1000)), signal), receiver, surroundings);
    expect({ listeners, most }).toEqual({ listeners: 0, most: 1 });
  });

  it("takes a stream of ten thousand chunks whole", async () => {
    const outcome = await new TestTurn().run(new FakeModel(many(10_000)));
    expect(outcome.text).toHaveLength(100_000);
  });
});

describe("an answer of which all has arrived at once", () => {
  it("lets the rest of the process work while it is read", async () => {
    const model = new FakeModel(many(5_000));
    let received = 0;
    const seen: number[] = [];
    const look = () => {
      seen.push(received);
      if (received < 5_000) setImmediate(look);
    };
    setImmediate(look);
    const receiver = {
      part: () => {
        received++;
        // The time that a real part takes to be told and stored.
        if (received % 100 === 0) spin(1);
      },
      restart: () => {},
    };
    expect(await callModel(call(model), receiver, surroundings)).toMatchObject({
      kind: "finished",
    });
    // The first pause comes early, so that the first words leave, and more follow.
    const early = seen.filter((count) => count > 0 && count < 1_000);
    expect(early.length).toBeGreaterThan(0);
    expect(seen.filter((count) => count > 0 && count < 5_000).length).toBeGreaterThan(2);
  });

  it("is not read to its end when it is cancelled meanwhile", async () => {
    const cancel = new AbortController();
    const model = new FakeModel(many(5_000));
    let received = 0;
    const receiver = {
      part: () => {
        if (++received === 1) setImmediate(() => cancel.abort());
        if (received % 100 === 0) spin(1);
      },
      restart: () => {},
    };
    const result = await callModel(call(model, cancel.signal), receiver, surroundings);
    expect(result).toEqual({ kind: "cancelled" });
    expect(received).toBeLessThan(1_000);
  });
});

/** Keeps the process busy for so many milliseconds. */
function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
