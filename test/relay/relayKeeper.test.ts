import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { RelayKeeper } from "../../src/relay/relayKeeper.js";
import { RelayStore } from "../../src/storage/relayStore.js";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";

let folder: ReturnType<typeof temporaryFolder>;
let house: OutboxHouse;
beforeEach(() => {
  folder = temporaryFolder();
  house = new OutboxHouse(folder.path);
});
afterEach(() => {
  house.close();
  folder.remove();
});

it("a relay that is still beginning at the end of its server sends what there is", async () => {
  const got: string[] = [];
  const server = createServer((request, response) => {
    got.push(String(request.headers["webhook-id"]));
    request.resume();
    response.writeHead(204).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const sent = [house.append("r1"), house.append("r2")];
  const url = `http://127.0.0.1:${port}/`;
  const keeper = new RelayKeeper(
    { hook: { type: "http", url, secrets: [], headers: {} } },
    {
      dataDirectory: folder.path,
      identity: { machineId: "machine", epoch: "epoch" },
      outbox: house.outbox,
      store: new RelayStore(house.database),
      clock: systemClock,
      log: silentLog,
      onConfirmed() {},
    },
  );
  await keeper.close();
  expect(got).toEqual(sent);
});
