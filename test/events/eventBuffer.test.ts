import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventBuffer, maxEvents, maxUnits } from "../../src/events/eventBuffer.js";
import type { LossyEvent, NotificationParams } from "../../src/protocol/registry.js";

type Delta = NotificationParams<"messageDelta">;

const head = { workspaceId: "w", sessionId: "s" };

function delta(offset: number, text: string, more: Partial<Delta> = {}): LossyEvent {
  const part = { messageId: "m", partIndex: 0, kind: "text" } as const;
  return { method: "messageDelta", params: { ...head, ...part, offset, delta: text, ...more } };
}

const count = (n: number, sessionId = "s"): LossyEvent => ({
  method: "queueChanged",
  params: { ...head, sessionId, count: n, paused: false },
});

function drain(buffer: EventBuffer): LossyEvent[] {
  const all: LossyEvent[] = [];
  for (let event = buffer.take(); event !== undefined; event = buffer.take()) all.push(event);
  return all;
}

function fill(...events: LossyEvent[]): EventBuffer {
  const buffer = new EventBuffer();
  for (const event of events) buffer.add(event);
  return buffer;
}

describe("deltas that wait", () => {
  it("of one part become one", () => {
    expect(drain(fill(delta(0, "ab"), delta(2, "c"), delta(3, "de")))).toEqual([delta(0, "abcde")]);
  });

  it("of another part, kind or message stay apart", () => {
    const events = [
      ...[delta(0, "a"), delta(1, "b", { partIndex: 1 }), delta(2, "c", { messageId: "n" })],
      delta(3, "d", { messageId: "n", kind: "reasoning" }),
    ];
    expect(drain(fill(...events))).toEqual(events);
  });

  it("do not jump over another event of their session", () => {
    const events = [delta(0, "a"), count(1), delta(1, "b")];
    expect(drain(fill(...events))).toEqual(events);
  });

  it("are joined over the events of another session", () => {
    expect(drain(fill(delta(0, "a"), count(1, "t"), delta(1, "b")))).toEqual([
      delta(0, "ab"),
      count(1, "t"),
    ]);
  });

  it("of a part that was begun afresh do not join what came before", () => {
    const events = [delta(0, "abc"), delta(0, "x")];
    expect(drain(fill(...events))).toEqual(events);
  });

  it("do not join what has left", () => {
    const buffer = fill(delta(0, "a"));
    expect(buffer.take()).toEqual(delta(0, "a"));
    buffer.add(delta(1, "b"));
    expect(drain(buffer)).toEqual([delta(1, "b")]);
  });
});

describe("what a run is busy with", () => {
  const busy = (kind: string, runId = "r", sessionId = "s"): LossyEvent => ({
    method: "runActivity",
    params: { ...head, sessionId, runId, kind },
  });

  it("waits once for each run: the newest takes the place of the one before", () => {
    expect(drain(fill(busy("retrying"), busy("retrying"), busy("summarizing")))).toEqual([
      busy("summarizing"),
    ]);
  });

  it("does not jump over another event of its session, nor into another run", () => {
    const events = [busy("a"), count(1), busy("b"), busy("c", "q"), delta(0, "x"), busy("d", "q")];
    expect(drain(fill(...events))).toEqual(events);
  });

  it("is put together over the events of another session", () => {
    expect(drain(fill(busy("a"), busy("b", "q", "t"), busy("c")))).toEqual([
      busy("c"),
      busy("b", "q", "t"),
    ]);
  });

  it("is bounded by its text too", () => {
    const long = (n: number): LossyEvent => ({
      method: "runActivity",
      params: { ...head, runId: `${n}`, kind: "retrying", reason: "x".repeat(maxUnits / 4) },
    });
    const [first, ...rest] = drain(fill(...Array.from({ length: 9 }, (_, n) => long(n))));
    expect(first).toEqual({ method: "eventsDropped", params: { count: 6 } });
    expect(rest).toEqual([long(6), long(7), long(8)]);
  });
});

describe("a full buffer", () => {
  it("lets the oldest delta go first, and says how many went", () => {
    const buffer = fill(count(0), delta(0, "a"), delta(9, "b"));
    for (let n = 1; n <= maxEvents - 2; n++) buffer.add(count(n));
    const [first, ...rest] = drain(buffer);
    expect(first).toEqual({ method: "eventsDropped", params: { count: 1 } });
    expect(rest).toHaveLength(maxEvents);
    expect(rest.slice(0, 2)).toEqual([count(0), delta(9, "b")]);
  });

  it("counts a merged delta as all that were merged in it", () => {
    const buffer = fill(delta(0, "a"), delta(1, "b"), delta(2, "c"));
    for (let n = 0; n < maxEvents; n++) buffer.add(count(n));
    expect(buffer.take()).toEqual({ method: "eventsDropped", params: { count: 3 } });
  });

  it("lets the oldest of all go where no delta is left", () => {
    const buffer = new EventBuffer();
    for (let n = 0; n < maxEvents + 5; n++) buffer.add(count(n));
    const [dropped, ...rest] = drain(buffer);
    expect(dropped).toEqual({ method: "eventsDropped", params: { count: 5 } });
    expect(rest[0]).toEqual(count(5));
  });

  it("is full at 8 Mi units of text, merged or not", () => {
    const mega = "x".repeat(1024 * 1024);
    const buffer = new EventBuffer();
    buffer.add(count(0));
    for (let n = 0; n < 8; n++) buffer.add(delta(n * mega.length, mega));
    expect(drain(buffer)).toEqual([{ method: "eventsDropped", params: { count: 8 } }, count(0)]);
    for (let n = 0; n < 9; n++) buffer.add(delta(0, mega, { messageId: `m${n}` }));
    const left = drain(buffer).reduce(
      (sum, event) => sum + (event.method === "messageDelta" ? event.params.delta.length : 0),
      0,
    );
    expect(left).toBe(maxUnits - mega.length);
  });

  it("holds no more of one text that streams without end, whoever does not read", () => {
    const mega = "x".repeat(1024 * 1024);
    const buffer = new EventBuffer();
    for (let n = 0; n < 600; n++) buffer.add(delta(n * mega.length, mega));
    const all = drain(buffer);
    const [first, ...rest] = all;
    const texts = rest.map((event) => (event.method === "messageDelta" ? event.params : undefined));
    const length = texts.reduce((sum, params) => sum + (params?.delta.length ?? 0), 0);
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThanOrEqual(maxUnits);
    // What is left is the newest: an end without a gap.
    expect(texts.at(-1)).toMatchObject({
      offset: 600 * mega.length - (texts.at(-1)?.delta.length ?? 0),
    });
    expect(first).toEqual({
      method: "eventsDropped",
      params: { count: 600 - length / mega.length },
    });
  });

  it("joins thousands of small texts in order, and counts each where they are dropped", () => {
    const digits = Array.from({ length: 5000 }, (_, n) => String(n % 10));
    const buffer = fill(...digits.map((digit, n) => delta(n, digit)));
    expect(drain(buffer)).toEqual([delta(0, digits.join(""))]);
    for (const [n, digit] of digits.entries()) buffer.add(delta(n, digit));
    for (let n = 0; n < maxEvents; n++) buffer.add(count(n));
    expect(buffer.take()).toEqual({ method: "eventsDropped", params: { count: 5000 } });
  });

  it("weighs all the text of a message: inputs of calls and diffs too", () => {
    const buffer = new EventBuffer();
    const text = "x".repeat(1024 * 1024);
    const parts = [
      { type: "toolCall", toolCallId: "t", name: "write", input: { a: [{ b: text }] } },
      {
        type: "toolResult",
        toolCallId: "t",
        name: "write",
        output: "",
        isError: false,
        diff: text,
      },
    ];
    for (let n = 0; n < 20; n++) {
      const message = { id: `m${n}`, sessionId: "s", role: "assistant", parts };
      buffer.add({
        method: "messageUpdated",
        params: { ...head, message },
      } as unknown as LossyEvent);
    }
    expect(drain(buffer)).toHaveLength(1 + 3);
  });

  it("never is full of one event, which leaves where the pipe is free", () => {
    const long = delta(0, "x".repeat(maxUnits + 1));
    expect(drain(fill(long))).toEqual([long]);
  });

  it("begins to count anew once it has said", () => {
    const buffer = new EventBuffer();
    for (let n = 0; n < maxEvents + 1; n++) buffer.add(count(n));
    expect(drain(buffer)).toHaveLength(maxEvents + 1);
    expect(buffer.isEmpty).toBe(true);
    buffer.add(count(1));
    expect(drain(buffer)).toEqual([count(1)]);
  });
});

describe("the counts", () => {
  it("tell what was merged and dropped since the beginning, and what waits now", () => {
    const busy = (kind: string): LossyEvent => ({
      method: "runActivity",
      params: { ...head, sessionId: "t", runId: "r", kind },
    });
    const buffer = fill(delta(0, "ab"), delta(2, "c"), delta(3, "d"), busy("a"), busy("b"));
    expect(buffer.load).toMatchObject({ events: 2, eventText: 2 * 256 + 4, merged: 3, dropped: 0 });
    for (let n = 0; n < maxEvents; n++) buffer.add(count(n, `s${n}`));
    // The delta with the two that had joined it, and what the run was busy with.
    expect(buffer.load).toMatchObject({ events: maxEvents, merged: 3, dropped: 4 });
    drain(buffer);
    buffer.countDropped();
    expect(buffer.load).toMatchObject({ events: 0, eventText: 0, merged: 3, dropped: 5 });
  });
});

describe("ordinals", () => {
  it("say what waits: the oldest, and the newest ever", () => {
    const buffer = fill(count(1), count(2));
    expect([buffer.firstOrdinal, buffer.lastOrdinal]).toEqual([1, 2]);
    buffer.take();
    expect([buffer.firstOrdinal, buffer.lastOrdinal]).toEqual([2, 2]);
    buffer.take();
    expect([buffer.firstOrdinal, buffer.lastOrdinal]).toEqual([Number.POSITIVE_INFINITY, 2]);
  });

  it("are not raised by what is merged, and pass over what was dropped", () => {
    const buffer = fill(delta(0, "a"), delta(1, "b"));
    expect(buffer.lastOrdinal).toBe(1);
    for (let n = 0; n < maxEvents; n++) buffer.add(count(n));
    expect(buffer.firstOrdinal).toBe(2);
  });
});

describe("whatever is added and taken", () => {
  const step = fc.oneof(
    { weight: 1, arbitrary: fc.constant({ take: true as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        sessionId: fc.constantFrom("s", "t"),
        part: fc.integer({ min: 0, max: 1 }),
        length: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant(1024 * 1024)),
        isDelta: fc.boolean(),
        times: fc.constantFrom(1, 1, 1, 400),
      }),
    },
  );

  it("each part's deltas come in order with gaps only where drops are told", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const buffer = new EventBuffer();
        const ends = new Map<string, number>();
        const seen = new Map<string, number>();
        let added = 0;
        let dropped = 0;
        let taken = 0;
        const look = (event: LossyEvent | undefined) => {
          if (event?.method === "eventsDropped") dropped += event.params.count;
          else if (event !== undefined) taken++;
          if (event?.method !== "messageDelta") return;
          const { sessionId, partIndex, offset, delta: text } = event.params;
          const key = `${sessionId}${partIndex}`;
          const before = seen.get(key) ?? 0;
          expect(offset).toBeGreaterThanOrEqual(before);
          if (dropped === 0) expect(offset).toBe(before);
          seen.set(key, offset + text.length);
        };
        for (const one of steps) {
          if ("take" in one) {
            look(buffer.take());
            continue;
          }
          for (let n = 0; n < one.times; n++) {
            const key = `${one.sessionId}${one.part}`;
            const offset = ends.get(key) ?? 0;
            added++;
            if (!one.isDelta) {
              buffer.add(count(n, one.sessionId));
              continue;
            }
            ends.set(key, offset + one.length);
            const { sessionId, part: partIndex } = one;
            buffer.add(delta(offset, "x".repeat(one.length), { sessionId, partIndex }));
          }
        }
        for (const event of drain(buffer)) look(event);
        expect(taken).toBeLessThanOrEqual(added - dropped);
        if (dropped === 0) expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(ends));
      }),
      {
        numRuns: 60,
        // Found once: one text of 800 MiB, which nothing bounded.
        examples: [
          [
            [0, 1].map(() => ({
              ...({ sessionId: "t", part: 0, isDelta: true, times: 400 } as const),
              length: 1024 * 1024,
            })),
          ],
        ],
      },
    );
  });
});
