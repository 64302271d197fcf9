// What a turn makes for the case that something goes wrong, although nothing does: an error with its stack
// and a signal each cost what a small request costs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { temporaryFolder } from "../helpers/coordinatorHouse.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

const permissions = { allow: ["bash:*"] };

it.each([
  ["says something", 1, {}],
  // The wait for a command's end has none, the one for its request has.
  ["runs a command", 2, { permissions }],
] as const)(
  "a turn that %s makes no error, and a signal for itself and for each request",
  async (does, calls, config) => {
    const folder = temporaryFolder();
    const file = join(folder.path, "made.json");
    const turns = { from: 4, to: 12 };
    const watch = new URL("../helpers/watchMade.mjs", import.meta.url).href;
    const { server, provider } = await startLoopbackServer({
      config,
      nodeArgs: ["--import", watch],
      env: { MADE_FILE: file, MADE_BETWEEN: `${turns.from * calls} ${turns.to * calls}` },
    });
    const session = await openSession(server, { title: "made" });
    for (let turn = 0; turn <= turns.to; turn++) {
      if (calls === 2) provider.enqueue(reply().toolCall("bash", { command: "true" }));
      provider.enqueue(reply().text("ok"));
      const { status } = await session.run(does, `made-${turn}`);
      expect(status).toBe("succeeded");
    }
    await server.close();
    await provider.close();
    const count = turns.to - turns.from;
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      AbortController: count * (1 + calls),
    });
    folder.remove();
  },
);
