// The stream of a relay, with a real nats-server: made, refused, taken away, and not to be looked at.
import { afterEach, describe, expect, it } from "vitest";
import { NatsServer, noNats } from "../helpers/natsServer.js";
import { RelayHouse } from "../helpers/relayHouse.js";
import { unless } from "../helpers/unless.js";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function open(config = "") {
  const nats = await NatsServer.start(config);
  closing.push(() => nats.remove());
  const house = new RelayHouse();
  closing.push(() => house.close());
  const relay = { type: "nats", url: nats.url, secrets: [], stream: "S", subject: "t" } as const;
  return { nats, house, relay };
}

unless(
  describe,
  noNats !== undefined,
  noNats ?? "",
)("the stream of a relay", () => {
  it("is made as soon as it can be, also where it could not be made at first", async () => {
    const { nats, house, relay } = await open();
    await nats.manage(({ streams }) => streams.add({ name: "OTHER", subjects: ["t.>"] }));
    const ids = house.append(3);
    await house.begin(relay);
    // It is tried more than once.
    while (house.log.messages.length < 1) await house.until(({ trouble }) => trouble !== undefined);
    expect(house.row.trouble).toMatch(/overlap/);
    await nats.manage(({ streams }) => streams.delete("OTHER"));
    await house.until(({ cursor }) => cursor === 3);
    expect((await nats.messages("S")).map(({ id }) => id)).toEqual(ids);
  });

  it("is made again where it was taken away", async () => {
    const { nats, house, relay } = await open();
    house.append(3);
    await house.begin(relay);
    await house.until(({ cursor }) => cursor === 3);
    await nats.manage(({ streams }) => streams.delete("S"));
    const ids = house.append(3);
    await house.until(({ cursor }) => cursor === 6);
    expect((await nats.messages("S")).map(({ id }) => id)).toEqual(ids);
  });

  it("need not be looked at by whoever may only publish", async () => {
    const users = `authorization { users: [
      { user: boss, password: boss },
      { user: ada, password: secret, permissions: { publish: ["t.>"], subscribe: ["_INBOX.>"] } }
    ] }`;
    const { nats, house, relay } = await open(users);
    const boss = { user: "boss", pass: "boss" };
    await nats.manage(({ streams }) => streams.add({ name: "S", subjects: ["t.>"] }), boss);
    const ids = house.append(3);
    await house.begin({ ...relay, user: "ada", password: "secret" });
    await house.until(({ cursor }) => cursor === 3);
    expect((await nats.messages("S", boss)).map(({ id }) => id)).toEqual(ids);
  });
});
