import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { maxEvents } from "../../src/events/eventBuffer.js";
import { DeliveryHouse, event, identify } from "../helpers/deliveryHouse.js";
import { Pipe } from "../helpers/pipe.js";

let house: DeliveryHouse;

beforeEach(() => {
  house = new DeliveryHouse();
});
afterEach(() => house.close());

describe("ackTimeoutMs", () => {
  it("sends what is not acknowledged again after that long, then doubling", async () => {
    const pipe = new Pipe();
    identify(house.connect(pipe), 1000);
    house.append("a");
    await house.clock.settle();
    const at: number[] = [];
    const began = house.clock.now();
    for (let second = 0; second < 16; second++) {
      const before = pipe.taken.length;
      await house.clock.advance(1000);
      if (pipe.taken.length > before) at.push((house.clock.now() - began) / 1000);
    }
    expect(at).toEqual([1, 3, 7, 15]);
    expect(pipe.summary.at(-1)).toBe("#1 (5)");
  });

  it("sends nothing again that was acknowledged", async () => {
    const pipe = new Pipe();
    identify(house.connect(pipe), 1000);
    for (const runId of ["a", "b"]) house.append(runId);
    await house.clock.settle();
    house.acknowledge("a");
    await house.clock.advance(1100);
    expect(pipe.summary).toEqual(["#1 (1)", "#2 (1)", "#2 (2)"]);
    house.acknowledge("b");
    await house.clock.advance(3_600_000);
    expect(pipe.taken).toHaveLength(3);
    expect(house.clock.pending).toBe(0);
  });
});

describe("a slow client", () => {
  it("costs bounded memory, and loses no completion", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    const completions = 2500;
    for (let n = 0; n < completions; n++) {
      delivery.offer(event(n));
      delivery.offer(event(n));
      house.append(`r${n}`);
    }
    await house.clock.settle();
    pipe.isFree = true;
    pipe.take();
    await house.clock.settle();
    const sequences = pipe.taken.flatMap((one) =>
      one.method === "runComplete" ? [one.params.sequence] : [],
    );
    expect(sequences).toEqual(Array.from({ length: completions }, (_, n) => n + 1));
    const events = pipe.taken.filter(({ method }) => method === "queueChanged");
    expect(events.length).toBeLessThanOrEqual(maxEvents + 1);
    expect(pipe.summary).toContain("eventsDropped");
  });

  it("gets each completion behind its events, however many completions wait", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    const many = 1500;
    for (let n = 1; n <= many; n++) {
      if (n % 100 === 0) delivery.offer(event(n));
      house.append(`r${n}`);
    }
    await house.clock.settle();
    pipe.isFree = true;
    pipe.take();
    await house.clock.settle();
    expect(pipe.taken).toHaveLength(many + many / 100);
    const events = new Set<number>();
    for (const { method, params } of pipe.taken) {
      if (method === "queueChanged") events.add(params.count);
      if (method !== "runComplete") continue;
      const lastBefore = params.sequence - (params.sequence % 100);
      if (lastBefore > 0) expect(events.has(lastBefore), `#${params.sequence}`).toBe(true);
    }
  });

  it("does not get what it acknowledges while that waits for events", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    delivery.offer(event(1));
    delivery.offer(event(2));
    house.append("a");
    house.append("b");
    await house.clock.settle();
    house.acknowledge("a");
    for (let n = 0; n < 3; n++) {
      pipe.take();
      await house.clock.settle();
    }
    expect(pipe.summary).toEqual(["event 1", "event 2", "#2 (1)"]);
  });

  it("that goes away loses nothing on disk, and stops the pump", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    for (const runId of ["a", "b"]) house.append(runId);
    await house.clock.settle();
    const drained = delivery.drained();
    pipe.break();
    await house.clock.settle();
    await drained;
    await delivery.drained();
    delivery.offer(event(1));
    house.append("c");
    await house.clock.settle();
    expect(pipe.taken).toEqual([]);
    expect(house.log.messages).toEqual(["delivery stopped"]);
    const next = new Pipe();
    identify(house.connect(next, "fresh"));
    await house.clock.settle();
    expect(next.summary).toEqual(["#1 (2)", "#2 (1)", "#3 (1)"]);
  });
});

describe("the end of a connection", () => {
  it("is waited for until what waits has left", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    let isDrained = false;
    delivery.offer(event(1));
    const drained = delivery.drained().then(() => {
      isDrained = true;
    });
    await house.clock.settle();
    expect(isDrained).toBe(false);
    pipe.take();
    await house.clock.settle();
    await drained;
  });

  it("sends nothing more, and holds nobody up", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    for (let n = 0; n < 3; n++) delivery.offer(event(n));
    await house.clock.settle();
    const drained = delivery.drained();
    delivery.close();
    await drained;
    pipe.take();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 0"]);
    await delivery.drained();
  });
});

describe("a disk that fails", () => {
  it("delays completions, and neither events nor for ever", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe);
    house.append("a");
    house.breakDisk();
    delivery.offer(event(1));
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 1"]);
    house.breakDisk(false);
    await house.clock.advance(1000);
    expect(pipe.summary).toEqual(["event 1", "#1 (1)"]);
    expect(house.log.messages).toEqual(["a completion could not be delivered yet"]);
  });
});
