// The relay to NATS JetStream, with a real server.

import { getEventListeners, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { jetstream } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { NatsRelay } from "../../src/config/relaySettings.js";
import { NatsSink } from "../../src/relay/natsSink.js";
import { relayedEvent } from "../../src/relay/relayedEvent.js";
import type { Sink } from "../../src/relay/sink.js";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { RelayHouse } from "../helpers/relayHouse.js";
import { unless } from "../helpers/unless.js";

const withNats = unless(describe, noNats !== undefined, noNats ?? "");

withNats("with a real nats-server", () => {
  let nats: NatsServer;
  let houses: RelayHouse[] = [];
  beforeAll(async () => {
    nats = await NatsServer.start("max_payload: 20000");
  });
  afterAll(() => nats?.remove());
  afterEach(async () => {
    for (const house of houses) await house.close();
    houses = [];
  });

  let streams = 0;
  const settings = (more: Partial<NatsRelay> = {}): NatsRelay => {
    const number = ++streams;
    const names = { stream: `S${number}`, subject: `t${number}` };
    return { type: "nats", url: nats.url, secrets: [], ...names, ...more };
  };
  const open = (machineId?: string) => {
    const house = new RelayHouse(machineId);
    houses.push(house);
    return house;
  };
  const idsIn = async (stream = "") => (await nats.messages(stream)).map(({ id }) => id);

  it("makes the stream, and sends each completion once, in order, as a CloudEvent", async () => {
    const house = open();
    const relay = settings();
    const ids = house.append(250);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 250);
    const found = await nats.messages(relay.stream ?? "");
    expect(found.map(({ id }) => id)).toEqual(ids);
    expect(found[0]).toMatchObject({
      subject: `${relay.subject}.machine.ws.completed`.replace(
        "ws",
        found[0]?.event.data.workspaceId,
      ),
      event: {
        specversion: "1.0",
        id: ids[0],
        type: "dev.turnwire.run.completed.v1",
        turnwireepoch: "epoch",
        turnwiresequence: "00000000000000000001",
        turnwirerunid: "machine-1",
        datacontenttype: "application/json",
        data: { runId: "machine-1", status: "succeeded", attempt: 1, sequence: 1 },
      },
    });
  });

  it("keeps the order of each of two machines that write into one stream", async () => {
    const relay = settings();
    const both = [open("ada"), open("ben")];
    for (const house of both) house.append(400);
    await Promise.all(both.map((house) => house.begin(relay)));
    await Promise.all(both.map((house) => house.until(({ cursor }) => cursor === 400)));
    const found = await nats.messages(relay.stream ?? "");
    for (const machine of ["ada", "ben"]) {
      const runs = found
        .map(({ event }) => event.data.runId)
        .filter((id) => id.startsWith(machine));
      expect(runs).toEqual(Array.from({ length: 400 }, (_, index) => `${machine}-${index + 1}`));
    }
  });

  it("goes on after the server was away, and sends no double within the window", async () => {
    const house = open();
    const relay = settings();
    house.append(100);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 100);
    await nats.stop();
    const more = house.append(100);
    await house.until(({ trouble }) => trouble !== undefined);
    await nats.begin();
    await house.until(({ cursor, trouble }) => cursor === 200 && trouble === undefined);
    const ids = await idsIn(relay.stream);
    expect(ids).toHaveLength(200);
    expect(ids.slice(100)).toEqual(more);
  });

  it("sends again under one id what was confirmed beyond the window and not noted", async () => {
    const relay = settings();
    await nats.manage(({ streams }) =>
      // 100 ms, in nanoseconds.
      streams.add({
        name: relay.stream ?? "",
        subjects: [`${relay.subject}.>`],
        duplicate_window: 1e8,
      }),
    );
    const house = open();
    const ids = house.append(5);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 5);
    await house.end();
    // As where the server died before it could write that.
    house.house.database.prepare("UPDATE relays SET cursor = 2").run();
    // Once the stream takes this anew, it knows nothing any more of what came before it.
    await nats.manage(async (_, connection) => {
      const send = () =>
        jetstream(connection).publish(`${relay.subject}.probe`, "{}", { msgID: "probe" });
      await send();
      while ((await send()).duplicate) await new Promise((resolve) => setTimeout(resolve, 20));
    });
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 5);
    const taken = (await idsIn(relay.stream)).filter((id) => id !== "probe");
    expect(taken).toEqual([...ids, ...ids.slice(2)]);
  });

  it("waits while the stream is full, and keeps the order when there is room", async () => {
    const relay = settings();
    await nats.manage(({ streams }) =>
      streams.add({
        name: relay.stream ?? "",
        subjects: [`${relay.subject}.>`],
        max_msgs: 30,
        discard: "new",
      }),
    );
    const house = open();
    const ids = house.append(70);
    await house.begin(relay);
    const got: string[] = [];
    while (got.length < 70) {
      const { length } = got;
      await house.until(({ cursor }) => cursor >= Math.min(70, length + 30));
      got.push(...(await idsIn(relay.stream)));
      await nats.manage(({ streams }) => streams.purge(relay.stream ?? ""));
    }
    expect(got).toEqual(ids);
    expect(house.log.fields.map((fields) => JSON.stringify(fields)).join()).toMatch(
      /maximum messages/,
    );
  });

  it("cuts what is larger than max_payload, and what is larger than the stream takes", async () => {
    const house = open();
    const relay = settings();
    house.append(1, "é".repeat(20_000));
    house.append(1);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 2);
    const [cut, whole] = await nats.messages(relay.stream ?? "");
    expect(cut?.event.data).toMatchObject({ textTruncated: true });
    expect(cut?.event.data.text.length).toBeGreaterThan(8000);
    expect(whole?.event.data.textTruncated).toBeUndefined();
    const small = settings();
    await nats.manage(({ streams }) =>
      streams.add({
        name: small.stream ?? "",
        subjects: [`${small.subject}.>`],
        max_msg_size: 2000,
      }),
    );
    const second = open("second");
    second.append(1, "a".repeat(5000));
    second.append(1);
    await second.begin(small);
    await second.until(({ cursor }) => cursor === 2);
    const [shortened] = await nats.messages(small.stream ?? "");
    expect(shortened?.event.data).toMatchObject({ textTruncated: true, runId: "second-1" });
  });

  it("survives a server that is slow beyond its patience, without a double", async () => {
    const house = open();
    const relay = settings();
    house.append(1);
    await house.begin(relay, new NatsSink(relay, 500));
    await house.until(({ cursor }) => cursor === 1);
    nats.pause();
    try {
      house.append(50);
      await house.until(({ trouble }) => trouble !== undefined);
    } finally {
      nats.goOn();
    }
    await house.until(({ cursor }) => cursor === 51);
    const runs = (await nats.messages(relay.stream ?? "")).map(({ event }) => event.data.runId);
    expect(runs).toEqual(Array.from({ length: 51 }, (_, index) => `machine-${index + 1}`));
  });

  it("says that no stream takes it, and goes on when one does", async () => {
    const house = open();
    const { stream = "", ...relay } = settings();
    house.append(3);
    await house.begin(relay);
    await house.until(({ trouble }) => trouble !== undefined);
    expect(house.row.trouble).toBe(`no stream takes ${relay.subject}.*.*.completed`);
    await nats.manage(({ streams }) =>
      streams.add({ name: stream, subjects: [`${relay.subject}.>`] }),
    );
    await house.until(({ cursor }) => cursor === 3);
  });

  it("holds on to nothing of what is sent, however long it works", async () => {
    const house = open();
    const [id] = house.append(1);
    const sink = new NatsSink(settings());
    const [completion] = house.house.outbox.following(0, { rows: 1, bytes: 1 });
    if (completion === undefined) throw new Error("nothing is stored");
    const { signal } = new AbortController();
    for (let round = 0; round < 20; round++) {
      const event = relayedEvent(completion, house.identity);
      expect(await sink.deliver([event], signal)).toEqual({ confirmed: 1 });
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(completion.completionId).toBe(id);
    await sink.close();
  });

  it("ends at once while the server is silent", async () => {
    const house = open();
    const relay = settings();
    house.append(1);
    const sink = new NatsSink(relay);
    let delivers = () => {};
    const noting: Sink = {
      batch: sink.batch,
      deliver: (events, signal) => {
        delivers();
        return sink.deliver(events, signal);
      },
      close: () => sink.close(),
    };
    await house.begin(relay, noting);
    await house.until(({ cursor }) => cursor === 1);
    nats.pause();
    try {
      const delivering = new Promise<void>((resolve) => {
        delivers = resolve;
      });
      house.append(1);
      await delivering;
      const began = performance.now();
      await house.end();
      // The client would give up after 10 seconds.
      expect(performance.now() - began).toBeLessThan(8000);
    } finally {
      nats.goOn();
    }
  });

  it("ends at once although nobody answers to a new connection", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const house = open();
    try {
      house.append(1);
      const asked = once(silent, "connection");
      await house.begin(settings({ url: `nats://127.0.0.1:${port}` }));
      const [socket] = await asked;
      const before = performance.now();
      await house.end();
      // The client would give up after 10 seconds.
      expect(performance.now() - before).toBeLessThan(8000);
      socket.destroy();
    } finally {
      silent.close();
    }
  });

  it("does not take another's message between two of its own for one of them", async () => {
    // The wish that a message comes directly after another one, with others in between.
    const relay = settings();
    const house = open();
    house.append(600);
    await house.begin(relay);
    await nats.manage(async (_, connection) => {
      const client = jetstream(connection);
      while (house.row.cursor < 600) {
        await client
          .publish(`${relay.subject}.x.y.completed`, "{}", { msgID: `x${Math.random()}` })
          .catch(() => {});
      }
    });
    const found = await nats.messages(relay.stream ?? "");
    const runs = found.flatMap(({ event }) => (event.data === undefined ? [] : [event.data.runId]));
    expect(runs).toEqual(Array.from({ length: 600 }, (_, index) => `machine-${index + 1}`));
  });
});

withNats("with a nats-server that asks who is there", () => {
  it("waits with wrong credentials, tells no secret, and goes on with the right ones", async () => {
    const nats = await NatsServer.start('authorization { user: ada, password: "open sesame" }');
    const house = new RelayHouse();
    try {
      house.append(2);
      const relay = { type: "nats", subject: "t", stream: "S" } as const;
      const wrong = `nats://ada:wrong-password-1@127.0.0.1:${nats.port}`;
      await house.begin({ ...relay, url: wrong, secrets: ["wrong-password-1"] });
      await house.until(({ trouble }) => trouble !== undefined);
      expect(house.row).toMatchObject({ cursor: 0 });
      expect(house.row.trouble).toMatch(/authorization/i);
      await house.end();
      expect(JSON.stringify([house.log.fields, house.row])).not.toContain("wrong-password-1");
      await house.begin({
        ...relay,
        url: nats.url,
        user: "ada",
        password: "open sesame",
        secrets: [],
      });
      await house.until(({ cursor }) => cursor === 2);
      const messages = await nats.messages("S", { user: "ada", pass: "open sesame" });
      expect(messages).toHaveLength(2);
    } finally {
      await house.close();
      await nats.remove();
    }
  });
});
