// protocol.md section 9, on the built server: another program holds the database for eight seconds, which
// is longer than SQLite was told to wait, while turns run.
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import { type LoopbackServer, occupy, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, startServer } from "../helpers/serverProcess.js";
import { openStored } from "../helpers/storedFile.js";
import { openSession } from "../helpers/wireSession.js";

const heldMs = 8000;
/** SQLite would hold the server for five seconds; the machine is busy with other tests too. */
const mostPingMs = 3000;

let loopback: LoopbackServer;
beforeAll(async () => {
  loopback = await startLoopbackServer();
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

/** Holds the database as an interactive `sqlite3` with `BEGIN` does. */
function hold(how: string): () => void {
  const other = openStored(join(loopback.server.dataDir, "turnwire.db"));
  other.exec(`BEGIN ${how}`);
  return () => {
    other.exec("ROLLBACK");
    other.close();
  };
}

/** Pings until told to stop; resolves with the longest wait. */
function pinging(): () => Promise<number> {
  let isOver = false;
  const longest = (async () => {
    let most = 0;
    while (!isOver) {
      const begin = performance.now();
      await loopback.server.call("ping", {});
      most = Math.max(most, performance.now() - begin);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return most;
  })();
  return () => {
    isOver = true;
    return longest;
  };
}

it.each(["IMMEDIATE", "EXCLUSIVE"])("costs time alone (%s)", async (how) => {
  const { server, provider } = loopback;
  const [running, stopped, fresh] = [
    await openSession(server),
    await openSession(server),
    await openSession(server),
  ];
  const name = (what: string) => `${what}-${how}`;
  const ended = () => server.events("runComplete").map(({ runId }) => String(runId));
  const before = await (async () => {
    provider.enqueue(reply().text("before"));
    return running.run("before", name("before"));
  })();
  const gate = await occupy(running, provider, name("tool"));
  const stopping = await occupy(stopped, provider, name("stopped"));
  const release = hold(how);
  const longestPing = pinging();
  const acknowledged = server.call("acknowledge", { completionIds: [before.completionId] });
  provider.enqueue(reply().text("accepted late"));
  const accepted = fresh.send("accept me", name("fresh"));
  gate.open();
  expect((await stopped.cancel()).cancelled).toMatchObject([{ was: "running" }]);
  expect(await running.messages()).not.toHaveLength(0);
  const made = server.call("createSession", { workspaceId: fresh.workspaceId, title: "late" });
  await new Promise((resolve) => setTimeout(resolve, heldMs));
  expect(await longestPing()).toBeLessThan(mostPingMs);
  expect(ended()).not.toContain(name("tool"));
  release();
  expect(await acknowledged).toEqual({ acknowledged: [before.completionId], unknown: [] });
  expect(await accepted).toMatchObject({ state: "accepted" });
  expect(await made).toMatchObject({ title: "late" });
  expect(await server.completion(name("tool"))).toMatchObject({ text: "so far and more" });
  expect(await server.completion(name("stopped"))).toMatchObject({ status: "cancelled" });
  expect(await server.completion(name("fresh"))).toMatchObject({ text: "accepted late" });
  stopping.open();
  const ids = ended().filter((id) => id.endsWith(how));
  expect([...new Set(ids)]).toEqual(ids);
});

it("lets a server end when it is gone", async () => {
  const { server, provider } = loopback;
  const session = await openSession(server);
  const gate = await occupy(session, provider, "last");
  const release = hold("IMMEDIATE");
  server.child.stdin.end();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  release();
  gate.open();
  expect(await server.exit).toMatchObject({ code: 0 });
  const database = openStored(join(server.dataDir, "turnwire.db"), { readOnly: true });
  const rows = database.prepare("SELECT state FROM runs WHERE runId = 'last'").all();
  const left = database.prepare("SELECT count(*) AS n FROM servers").get();
  database.close();
  expect({ rows, left }).toMatchObject({ rows: [{ state: "completed" }], left: { n: 0 } });
});

it("waits with its last commit for another one that takes long", async () => {
  const server = startServer();
  await server.call("ping", {});
  const other = openStored(join(server.dataDir, "turnwire.db"));
  other.exec("BEGIN IMMEDIATE");
  server.child.stdin.end();
  await new Promise((resolve) => setTimeout(resolve, 1200));
  other.exec("ROLLBACK");
  expect(await server.exit).toMatchObject({ code: 0 });
  const left = other.prepare("SELECT count(*) AS n FROM servers").get();
  other.close();
  expect(left).toMatchObject({ n: 0 });
});
