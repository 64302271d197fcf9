import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UnwritableMessage } from "../../src/base/unwritable.js";
import { maxEvents } from "../../src/events/eventBuffer.js";
import { DeliveryHouse, event, identify } from "../helpers/deliveryHouse.js";
import { Pipe } from "../helpers/pipe.js";

let house: DeliveryHouse;

beforeEach(() => {
  house = new DeliveryHouse();
});
afterEach(() => house.close());

describe("one connection", () => {
  it("gets a completion behind every event before it, and before every event after it", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    delivery.offer(event(1));
    delivery.offer(event(2));
    house.append("a");
    delivery.offer(event(3));
    house.append("b");
    for (let n = 0; n < 5; n++) {
      await house.clock.settle();
      pipe.take();
    }
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 1", "event 2", "#1 (1)", "event 3", "#2 (1)"]);
  });

  it("gets one message at a time, each when the pipe has taken the one before", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe);
    for (let n = 0; n < 3; n++) delivery.offer(event(n));
    await house.clock.settle();
    expect(pipe.summary).toEqual([]);
    pipe.take();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 0"]);
  });

  it("gets what is committed here without its being read back, also where two wait", async () => {
    const pipe = new Pipe();
    identify(house.connect(pipe));
    await house.clock.settle();
    let reads = 0;
    const peek = house.outbox.peek.bind(house.outbox);
    house.outbox.peek = (...values) => {
      reads++;
      return peek(...values);
    };
    for (const runId of ["a", "b"]) {
      house.append(runId);
      await house.clock.settle();
    }
    expect(reads).toBe(0);
    for (const runId of ["c", "d", "e"]) house.append(runId);
    await house.clock.settle();
    expect(pipe.summary).toEqual([1, 2, 3, 4, 5].map((sequence) => `#${sequence} (1)`));
  });

  it("does not get what was acknowledged before it could be sent", async () => {
    const pipe = new Pipe();
    identify(house.connect(pipe));
    await house.clock.settle();
    house.append("a");
    house.acknowledge("a");
    house.append("b");
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#2 (1)"]);
  });

  it("goes on behind an event that cannot be written, which counts as dropped", async () => {
    const pipe = new Pipe();
    const delivery = house.connect({
      isFree: true,
      taken: pipe.taken,
      async send(message: Parameters<Pipe["send"]>[0]) {
        const isBad = message.method === "queueChanged" && message.params.count === 2;
        if (isBad) throw new UnwritableMessage(new RangeError("Invalid string length"));
        await pipe.send(message);
      },
    } as unknown as Pipe);
    for (const count of [1, 2, 3]) delivery.offer(event(count));
    house.append("a");
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 1", "eventsDropped", "event 3", "#1 (1)"]);
    expect(house.log.messages).toEqual(["an event could not be written"]);
    const { workspaceId, sessionId } = event(2).params;
    expect(house.log.fields[0]).toMatchObject({ workspaceId, sessionId, method: "queueChanged" });
  });

  it("that takes all at once leaves the process its turn behind every few messages", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe);
    for (let n = 0; n < 50; n++) delivery.offer(event(n));
    for (let n = 0; n < 50; n++) house.append(`r${n}`);
    const taken: number[] = [];
    const look = () => {
      taken.push(pipe.taken.length);
      if (pipe.taken.length < 100) house.clock.soon(look);
    };
    house.clock.soon(look);
    await house.clock.settle();
    const inARow = taken.slice(1).map((count, index) => count - (taken[index] ?? 0));
    expect(pipe.taken).toHaveLength(100);
    expect(Math.max(...inARow)).toBeLessThanOrEqual(16);
  });

  it("gets nothing of another client's", async () => {
    const pipe = new Pipe();
    house.connect(pipe, "client");
    house.append("a", "somebody");
    house.append("b", "client");
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#2 (1)"]);
  });

  it("that never acknowledges gets each completion once", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe);
    identify(delivery);
    house.append("a");
    await house.clock.advance(3_600_000);
    delivery.offer(event(1));
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#1 (1)", "event 1"]);
  });

  it("is not woken in vain: what comes as the pump comes to rest still leaves", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe);
    const rounds = 50;
    for (let n = 0; n < rounds; n++) {
      delivery.offer(event(n));
      // At every distance from the moment at which the pump looks for the last time.
      for (let ticks = 0; ticks < n % 7; ticks++) await Promise.resolve();
      if (n % 3 === 0) await house.clock.settle();
    }
    await house.clock.settle();
    expect(pipe.taken).toHaveLength(rounds);
  });
});

describe("a client that tells who it is", () => {
  beforeEach(() => {
    for (const runId of ["a", "b", "c"]) house.append(runId);
  });

  it("gets all that it has not acknowledged, in order, and then what is new", async () => {
    house.acknowledge("b");
    const pipe = new Pipe();
    const delivery = house.connect(pipe, "fresh");
    expect(identify(delivery)).toEqual({ pending: 2 });
    house.append("d");
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#1 (1)", "#3 (1)", "#4 (1)"]);
  });

  it("gets nothing before its answer has left", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe, "fresh");
    delivery.identify({ clientId: "client", ackTimeoutMs: 1000, optOutNotifications: [] });
    delivery.offer(event(1));
    house.append("d");
    await house.clock.advance(60_000);
    expect(pipe.summary).toEqual([]);
    delivery.release();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#1 (1)", "#2 (1)", "#3 (1)", "event 1", "#4 (1)"]);
  });

  it("gets the events that waited already before what it missed", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe, "fresh");
    for (const count of [1, 2, 3]) delivery.offer(event(count));
    await house.clock.settle();
    identify(delivery);
    delivery.offer(event(4));
    pipe.isFree = true;
    pipe.take();
    await house.clock.settle();
    expect(pipe.summary).toEqual([
      ...["event 1", "event 2", "event 3"],
      ...["#1 (1)", "#2 (1)", "#3 (1)", "event 4"],
    ]);
  });

  it("is who it was before where the disk cannot be read, and may tell it again", async () => {
    const pipe = new Pipe();
    const delivery = house.connect(pipe, "fresh");
    const { backlog } = house.outbox;
    house.outbox.backlog = () => {
      throw new Error("the disk");
    };
    expect(() => identify(delivery)).toThrow("the disk");
    house.outbox.backlog = backlog;
    house.append("x", "fresh");
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#4 (1)"]);
    expect(identify(delivery)).toEqual({ pending: 3 });
  });

  it("again, on another connection, gets the same with the next attempt", async () => {
    const [first, second] = [new Pipe(), new Pipe()];
    identify(house.connect(first, "fresh"));
    await house.clock.settle();
    identify(house.connect(second, "fresher"));
    await house.clock.settle();
    expect(second.summary).toEqual(["#1 (2)", "#2 (2)", "#3 (2)"]);
    const ids = (pipe: Pipe) =>
      pipe.taken.map((one) => (one.method === "runComplete" ? one.params.completionId : ""));
    expect(ids(second)).toEqual(ids(first));
  });

  it("does not get what it acknowledges while the backlog is on its way", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    identify(house.connect(pipe, "fresh"));
    await house.clock.settle();
    house.acknowledge("b");
    for (let n = 0; n < 3; n++) {
      pipe.take();
      await house.clock.settle();
    }
    expect(pipe.summary).toEqual(["#1 (1)", "#3 (1)"]);
  });

  it("in the middle of a message gets the rest of the old identity's no more", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe, "fresh");
    house.append("x", "fresh");
    house.append("y", "fresh");
    await house.clock.settle();
    delivery.identify({ clientId: "client", ackTimeoutMs: undefined, optOutNotifications: [] });
    pipe.isFree = true;
    pipe.take();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#4 (1)"]);
    delivery.release();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["#4 (1)", "#1 (1)", "#2 (1)", "#3 (1)"]);
  });

  it("does not get what it opted out of, also where that waited already", async () => {
    const pipe = new Pipe();
    pipe.isFree = false;
    const delivery = house.connect(pipe, "fresh");
    for (let n = 0; n < maxEvents + 10; n++) delivery.offer(event(n));
    await house.clock.settle();
    const optOutNotifications = ["queueChanged", "eventsDropped", "runComplete"];
    delivery.identify({ clientId: "client", ackTimeoutMs: undefined, optOutNotifications });
    pipe.isFree = true;
    pipe.take();
    delivery.release();
    delivery.offer(event(1));
    await house.clock.settle();
    expect(pipe.summary.slice(1)).toEqual(["#1 (1)", "#2 (1)", "#3 (1)"]);
  });
});
