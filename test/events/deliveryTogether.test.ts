// Events that wait go to the pipe together. The order is the same as one by one, for any number of
// events and completions and for any pipe.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UnwritableMessage } from "../../src/base/unwritable.js";
import type { ServerNotification } from "../../src/protocol/registry.js";
import { DeliveryHouse, event, identify } from "../helpers/deliveryHouse.js";
import { Pipe } from "../helpers/pipe.js";

let house: DeliveryHouse;

beforeEach(() => {
  house = new DeliveryHouse();
});
afterEach(() => house.close());

/** A pipe that takes several messages in one piece, and knows what each piece held. */
class JoiningPipe extends Pipe {
  /** How many messages went in each piece. */
  readonly pieces: number[] = [];
  #gathered: ServerNotification[] | undefined;

  override async send(message: ServerNotification): Promise<void> {
    if (message.method === "queueChanged" && message.params.count < 0) {
      throw new UnwritableMessage(new Error("no JSON"));
    }
    if (this.#gathered === undefined) {
      this.pieces.push(1);
      await super.send(message);
    } else this.#gathered.push(message);
  }

  together(send: () => void): void {
    this.#gathered = [];
    send();
    this.pieces.push(this.#gathered.length);
    this.taken.push(...this.#gathered);
    this.#gathered = undefined;
  }
}

describe("events that wait", () => {
  it("leave together, and those of the next moment after them", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    for (let n = 1; n <= 3; n++) delivery.offer(event(n));
    await house.clock.settle();
    delivery.offer(event(4));
    await house.clock.settle();
    expect(pipe.pieces).toEqual([3, 1]);
    expect(pipe.summary).toEqual(["event 1", "event 2", "event 3", "event 4"]);
  });

  it("leave in pieces of a bounded size", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    const delta = "x".repeat(40 * 1024);
    for (let n = 0; n < 6; n++) {
      const params = { workspaceId: "w", sessionId: "s", messageId: `m${n}`, partIndex: 0 };
      delivery.offer({
        method: "messageDelta",
        params: { ...params, kind: "text", offset: 0, delta },
      });
    }
    for (let n = 0; n < 40; n++) delivery.offer(event(n));
    await house.clock.settle();
    expect(pipe.taken).toHaveLength(46);
    expect(pipe.pieces.slice(0, 3)).toEqual([2, 2, 2]);
    expect(Math.max(...pipe.pieces)).toBe(16);
  });

  it("are counted as dropped where they cannot be written, and keep none of the others back", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    for (const n of [1, -1, 2]) delivery.offer(event(n));
    await house.clock.settle();
    expect(pipe.summary).toEqual(["event 1", "event 2", "eventsDropped"]);
  });

  it("all leave, also where nothing of a whole piece is wanted any more", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    for (let n = 0; n < 50; n++) delivery.offer(event(n));
    delivery.offer({
      method: "agentFinished",
      params: { workspaceId: "w", sessionId: "s", sessionTitle: "" },
    });
    delivery.identify({
      clientId: "client",
      ackTimeoutMs: undefined,
      optOutNotifications: ["queueChanged"],
    });
    delivery.release();
    await house.clock.settle();
    expect(pipe.summary).toEqual(["agentFinished"]);
  });

  it("stand before and behind completions as one by one, in any history", async () => {
    const step = fc.constantFrom("event", "completion", "rest");
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const own = new DeliveryHouse();
        const [joining, single] = [new JoiningPipe(), new Pipe()];
        const deliveries = [own.connect(joining), own.connect(single)];
        for (const delivery of deliveries) identify(delivery);
        const expected: string[] = [];
        let [events, completions] = [0, 0];
        for (const one of steps) {
          if (one === "event") {
            expected.push(`event ${++events}`);
            for (const delivery of deliveries) delivery.offer(event(events));
          } else if (one === "completion") {
            expected.push(`#${++completions}`);
            own.append(`r${completions}`);
          } else await own.clock.settle();
        }
        await own.clock.settle();
        const order = ({ summary }: Pipe) => summary.map((line) => line.replace(/ \(\d+\)$/, ""));
        expect(order(joining)).toEqual(expected);
        expect(order(single)).toEqual(expected);
        own.close();
      }),
      { numRuns: 30 },
    );
  });
});

describe("ends that were committed together", () => {
  /** Runs end in one commit, each with an event before it; then everything is delivered. */
  async function ended(pipe: Pipe, count: number, text = "") {
    const delivery = house.connect(pipe);
    identify(delivery);
    await house.clock.settle();
    house.database.write(() => {
      for (let n = 1; n <= count; n++) {
        house.database.afterCommit(() => delivery.offer(event(n)));
        house.append(`r${n}`, "client", "s", text || `r${n}`);
      }
    });
    let commits = 0;
    house.database.onWritten(() => commits++);
    await house.clock.settle();
    return commits;
  }
  const inOrder = (count: number) =>
    Array.from({ length: count }, (_, n) => [`event ${n + 1}`, `#${n + 1}`]).flat();
  const order = ({ summary }: Pipe) => summary.map((line) => line.replace(/ \(\d+\)$/, ""));

  it("leave in one piece, each behind its events, and are counted in one commit", async () => {
    const pipe = new JoiningPipe();
    expect(await ended(pipe, 5)).toBe(1);
    expect(pipe.pieces).toEqual([10]);
    expect(order(pipe)).toEqual(inOrder(5));
    expect(pipe.taken.filter(({ method }) => method === "runComplete")).toMatchObject(
      Array(5).fill({ params: { attempt: 1 } }),
    );
  });

  it("leave one by one where the pipe takes one message at a time", async () => {
    const pipe = new Pipe();
    expect(await ended(pipe, 5)).toBe(5);
    expect(order(pipe)).toEqual(inOrder(5));
  });

  it("leave all, also where they are more than are kept in memory", async () => {
    const pipe = new JoiningPipe();
    await ended(pipe, 60);
    expect(order(pipe)).toEqual(inOrder(60));
    expect(Math.max(...pipe.pieces)).toBeLessThanOrEqual(31);
  });

  it("leave in pieces of a bounded size", async () => {
    const pipe = new JoiningPipe();
    const commits = await ended(pipe, 6, "x".repeat(30 * 1024));
    expect(commits).toBeGreaterThan(2);
    expect(order(pipe)).toEqual(inOrder(6));
  });

  it("wait together for a disk that fails, and lose neither their order nor a number", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    identify(delivery);
    house.database.write(() => {
      for (let n = 1; n <= 3; n++) house.append(`r${n}`);
    });
    house.breakDisk();
    delivery.offer(event(1));
    await house.clock.settle();
    expect(order(pipe)).toEqual(["event 1"]);
    house.breakDisk(false);
    await house.clock.advance(1000);
    expect(order(pipe)).toEqual(["event 1", "#1", "#2", "#3"]);
    expect(house.outbox.listPending("client").completions.map(({ attempt }) => attempt)).toEqual([
      1, 1, 1,
    ]);
  });

  it("are nothing for a connection that turns out to be another client's", async () => {
    const pipe = new JoiningPipe();
    const delivery = house.connect(pipe);
    house.database.write(() => {
      for (let n = 1; n <= 3; n++) house.append(`r${n}`);
    });
    house.append("x", "other");
    identify(delivery, undefined, "other");
    await house.clock.settle();
    expect(order(pipe)).toEqual(["#4"]);
  });

  it("do without those that were acknowledged meanwhile", async () => {
    const pipe = new JoiningPipe();
    identify(house.connect(pipe));
    await house.clock.settle();
    house.database.write(() => {
      for (let n = 1; n <= 3; n++) house.append(`r${n}`);
    });
    await house.acknowledge("r2");
    await house.clock.settle();
    expect(order(pipe)).toEqual(["#1", "#3"]);
  });
});
