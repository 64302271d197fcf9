// A daemon whose user has configured a relay.
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { endDaemons, startDaemon } from "../helpers/daemonChild.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endDaemons);
afterAll(endServers);

it("does not end for want of clients while a relay has something to send", async () => {
  const asked: string[] = [];
  let status = 503;
  let wake = () => {};
  const hook = createServer((request, response) => {
    asked.push(String(request.headers["webhook-id"]));
    response.writeHead(status).end();
    request.resume();
    wake();
  }).listen(0, "127.0.0.1");
  await once(hook, "listening");
  try {
    const config = join(makeFolder(), "config.json");
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    writeFileSync(config, JSON.stringify({ relays: { hook: { type: "http", url } } }));
    const daemon = await startDaemon({ args: ["--idle", "4"], env: { TURNWIRE_CONFIG: config } });
    const client = daemon.client();
    await client.call("initialize", { clientId: "ada" });
    const { completionId } = await (await openSession(client)).run("@say hi", "r-1");
    await client.close();
    const left = asked.length;
    // It waits for 1, for 2 and for 4 seconds between its tries.
    while (asked.length < left + 3) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        void daemon.exit.then(() => resolve());
      });
      expect(daemon.child.exitCode).toBeNull();
    }
    status = 200;
    expect((await daemon.exit).code).toBe(0);
    expect(new Set(asked)).toEqual(new Set([completionId]));
  } finally {
    hook.close();
  }
});
