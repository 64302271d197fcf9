// Holds on a workspace where several clients share a server, and where calls of one client overlap.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { type MemoryClient, MemoryServer, until } from "../helpers/memoryServer.js";

let server: MemoryServer;
let clients: MemoryClient[];

beforeEach(() => {
  server = new MemoryServer({ isShared: true });
  clients = [];
});

afterEach(async () => {
  for (const engine of server.engines) for (const turn of engine.turns) turn.stop();
  for (const client of clients) client.leave();
  await server.close();
});

async function connect(clientId: string): Promise<MemoryClient> {
  const client = server.connect();
  clients.push(client);
  await client.call("initialize", { protocolVersion: 1, clientId });
  return client;
}

const opening = () => ({ path: server.folder });

/** Whether `reader` hears of what `writer` does in the workspace. */
async function hears(reader: MemoryClient, writer: MemoryClient, workspaceId: string) {
  const session = await writer.call("createSession", { workspaceId });
  for (const engine of server.engines) engine.preparesAtGates = false;
  const place = { workspaceId, sessionId: session.id };
  await writer.call("sendMessage", { ...place, prompt: "work", runId: `run-${session.id}` });
  await writer.until("messageCreated");
  // Whatever went to the reader before this answer has come.
  await reader.call("listWorkspaces");
  return reader.told("messageCreated").some(({ sessionId }) => sessionId === session.id);
}

it("keeps a hold that was taken while the former one was being given up", async () => {
  const [ada, ben] = [await connect("ada"), await connect("ben")];
  const { id } = await ada.call("createWorkspace", { ...opening(), env: { WHO: "ada" } });
  await ben.call("createWorkspace", { ...opening(), initAgent: true });
  const gate = new Deferred<void>();
  const engine = server.engines[0];
  if (engine === undefined) throw new Error("there is no engine");
  engine.disposing = gate.promise;
  const leaving = ada.request("deleteWorkspace", { workspaceId: id }).answer;
  await until(() => engine.isDisposed);
  await ada.call("createWorkspace", opening());
  gate.resolve();
  expect((await leaving).result).toEqual({ closed: false });
  expect(await hears(ada, ben, id)).toBe(true);
});

it("tells nothing more to a client that has given its hold up", async () => {
  const [ada, ben] = [await connect("ada"), await connect("ben")];
  const { id } = await ada.call("createWorkspace", opening());
  await ben.call("createWorkspace", { ...opening(), initAgent: true });
  await ada.call("deleteWorkspace", { workspaceId: id });
  expect(await hears(ada, ben, id)).toBe(false);
});

it("keeps a hold of one call when another call of the same client fails", async () => {
  const ada = await connect("ada");
  const config = join(server.folder, "..", "config", "turnwire");
  mkdirSync(config, { recursive: true });
  writeFileSync(join(config, "config.json"), '{"models": 3}');
  const failing = ada.request("createWorkspace", { ...opening(), initAgent: true }).answer;
  const { id } = await ada.call("createWorkspace", opening());
  expect((await failing).error).toBeDefined();
  expect(await ada.call("getWorkspace", { workspaceId: id })).toMatchObject({ id });
  // One that fails alone leaves nothing open.
  expect(await ada.call("deleteWorkspace", { workspaceId: id })).toEqual({ closed: true });
  await ada.refused("createWorkspace", { ...opening(), initAgent: true });
  expect((await ada.call("listWorkspaces")).workspaces).toEqual([]);
});
