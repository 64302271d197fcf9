// NATS that is away for longer than it remembers ids: doubles come, each by its one id, and nothing else.
import { afterEach, describe, expect, it } from "vitest";
import { NatsSink } from "../../src/relay/natsSink.js";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { RelayHouse } from "../helpers/relayHouse.js";
import { unless } from "../helpers/unless.js";

/** What the server remembers ids for: 100 ms, in nanoseconds. */
const duplicate_window = 1e8;
const relay = { type: "nats", stream: "S", subject: "t", secrets: [] } as const;

let nats: NatsServer;
let house: RelayHouse;
afterEach(async () => {
  await house.close();
  await nats.remove();
});

async function open(): Promise<void> {
  nats = await NatsServer.start();
  house = new RelayHouse();
  await nats.manage(({ streams }) =>
    streams.add({ name: "S", subjects: ["t.>"], duplicate_window }),
  );
}

/** Checks that everything is there, in order of first arrival, and how much came again. */
async function doubles(ids: readonly string[]): Promise<number> {
  const found = await nats.messages("S");
  expect([...new Set(found.map(({ id }) => id))]).toEqual(ids);
  const texts = new Map<string, string>();
  for (const { id, event } of found) {
    const text = JSON.stringify(event);
    expect(texts.get(id) ?? text).toBe(text);
    texts.set(id, text);
  }
  return found.length - ids.length;
}

unless(
  describe,
  noNats !== undefined,
  noNats ?? "",
)("a nats-server that forgets", () => {
  it("gets again what it stored without being able to say so", async () => {
    await open();
    const ids = house.append(1);
    await house.begin({ ...relay, url: nats.url }, new NatsSink({ ...relay, url: nats.url }, 300));
    await house.until(({ cursor }) => cursor === 1);
    nats.pause();
    ids.push(...house.append(50));
    await house.until(({ trouble }) => trouble !== undefined);
    nats.goOn();
    await house.until(({ cursor }) => cursor === 51);
    const count = await doubles(ids);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(100);
  });

  it("loses and reorders nothing although it is killed again and again", async () => {
    await open();
    const ids = house.append(1000);
    await house.begin({ ...relay, url: nats.url });
    let kills = 0;
    for (const past of [1, 300, 600]) {
      await house.until(({ cursor }) => cursor >= past);
      await nats.stop();
      kills++;
      ids.push(...house.append(10));
      await house.until(({ trouble }) => trouble !== undefined);
      await nats.begin();
    }
    await house.until(({ cursor }) => cursor === 1030);
    expect(await doubles(ids)).toBeLessThanOrEqual(100 * kills);
  });
});
