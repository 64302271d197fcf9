// Every error of the table (protocol.md section 8) on the wire: a name without a way to bring it about
// does not compile.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ErrorName, errorTable } from "../../src/base/errors.js";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";
import { openStored } from "../helpers/storedFile.js";

let server: MemoryServer;
let client: MemoryClient;

beforeEach(() => {
  server = new MemoryServer();
  client = server.connect();
});

afterEach(async () => {
  if (server.engines.length > 0) server.engine.stopsAtOnce = true;
  for (const turn of server.engines.flatMap((engine) => engine.turns)) turn.stop();
  client.leave();
  await server.close();
});

type Refusal = Awaited<ReturnType<MemoryClient["refused"]>>;

async function refusedIn(method: string, more: object): Promise<Refusal> {
  const place = await openSession(server, client);
  return client.refused(method, { ...place, prompt: "hi", ...more });
}

/** A session in which a turn runs. */
async function busySession() {
  const place = await openSession(server, client);
  await client.call("sendMessage", { ...place, prompt: "hi", runId: "a" });
  await until(() => server.engine.live().length === 1);
  return place;
}

/**
 * No method gives them: a provider that is not configured is `ModelNotConfigured`, and `FileChanged` is
 * what a client answers. Those of engines need a configuration, and have tests of their own.
 */
type Unused = "ProviderNotFound" | "FileChanged" | "EngineNotFound" | "EngineConflict";
type Given = Exclude<ErrorName, Unused>;

const provoke: Readonly<Record<Given, () => Promise<Refusal>>> = {
  ParseError: () => {
    client.sendText("{not json");
    return client.untilError();
  },
  InvalidRequest: () => {
    client.send({ jsonrpc: "1.0", method: 7 });
    return client.untilError();
  },
  MessageTooLarge: () => {
    client.sendText("x".repeat(200_001));
    return client.untilError();
  },
  MethodNotFound: () => client.refused("nothing"),
  InvalidParams: () => client.refused("getWorkspace", { workspaceId: 1 }),
  InternalError: async () => {
    const place = await openSession(server, client);
    server.engine.forgetSession = async () => {
      throw new Error("at /secret/place");
    };
    return client.refused("deleteSession", place);
  },
  RequestCancelled: async () => {
    const place = await openSession(server, client);
    const summary = client.request("summarizeSession", place);
    await client.call("cancelSession", place);
    const { error } = await summary.answer;
    if (error === undefined) throw new Error("it was answered");
    return error;
  },
  WorkspaceNotFound: () => client.refused("getWorkspace", { workspaceId: "w" }),
  WorkspaceClosing: async () => {
    const place = await openSession(server, client);
    server.engine.stopsAtOnce = false;
    await client.call("sendMessage", { ...place, prompt: "hi" });
    await until(() => server.engine.live().length === 1);
    client.request("deleteWorkspace", place);
    return client.refused("sendMessage", { ...place, prompt: "hi" });
  },
  AgentNotInitialized: async () => {
    const { id } = await client.call("createWorkspace", { path: server.folder });
    return client.refused("sendMessage", { workspaceId: id, sessionId: "", prompt: "" });
  },
  EmptyPrompt: () => refusedIn("sendMessage", { prompt: " \n", sessionId: "" }),
  SessionMissing: () => refusedIn("sendMessage", { sessionId: "" }),
  SessionNotFound: () => refusedIn("sendMessage", { sessionId: "s" }),
  SessionBusy: async () => client.refused("deleteSession", await busySession()),
  PathRequired: () => client.refused("createWorkspace", { path: " " }),
  PathNotFound: () => client.refused("createWorkspace", { path: "missing" }),
  RunIdConflict: async () =>
    client.refused("sendMessage", { ...(await busySession()), prompt: "other", runId: "a" }),
  QueueFull: async () => {
    const place = await busySession();
    for (let n = 0; n < 1000; n++) client.request("sendMessage", { ...place, prompt: "hi" });
    return client.refused("sendMessage", { ...place, prompt: "hi" });
  },
  ModelNotConfigured: () =>
    refusedIn("setModel", { modelType: "large", model: { provider: "offline", model: "none" } }),
  ServerShuttingDown: async () => {
    const { answer } = client.request("shutdown");
    await answer;
    return client.refused("ping");
  },
  UnsupportedProtocolVersion: () => client.refused("initialize", { protocolVersion: 99 }),
  AlreadyInitialized: async () => {
    await client.call("initialize", {});
    return client.refused("initialize", {});
  },
  MessageNotFound: () => refusedIn("getMessage", { messageId: "m" }),
  QueueEntryNotFound: () => refusedIn("removeQueued", { queueId: "que_1" }),
  PermissionNotFound: () =>
    client.refused("answerPermission", { permissionId: "per_1", decision: "allow" }),
  RunNotFound: () => refusedIn("getRun", { runId: "r" }),
  CheckpointNotFound: () => refusedIn("rewindSession", { checkpointId: "c" }),
  ConfigInvalid: async () => {
    writeFileSync(join(server.folder, "turnwire.json"), '{"models": 5}');
    return client.refused("createWorkspace", { path: server.folder, initAgent: true });
  },
  SandboxUnavailable: async () => {
    // The engine of these tests has none.
    const file = { permissions: { sandbox: "read-only" } };
    writeFileSync(join(server.folder, "turnwire.json"), JSON.stringify(file));
    return client.refused("createWorkspace", { path: server.folder, initAgent: true });
  },
  StorageFailed: async () => {
    const place = await openSession(server, client);
    const sqlite = openStored(join(server.directory, "turnwire.db"));
    sqlite.exec("CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no'); END");
    sqlite.close();
    return client.refused("sendMessage", { ...place, prompt: "hi", runId: "a" });
  },
  EngineFailed: async () => {
    const place = await openSession(server, client);
    const summary = client.request("summarizeSession", place);
    await until(() => server.engine.live().length === 1);
    server.engine.turnOf(place.sessionId).fail("the model is down");
    const { error } = await summary.answer;
    if (error === undefined) throw new Error("it was answered");
    return error;
  },
};

describe("an error on the wire", () => {
  it.each(Object.keys(provoke) as Given[])("has its code and its name: %s", async (name) => {
    const error = await provoke[name]();
    const { code, retryable } = errorTable[name];
    expect(error).toMatchObject({ code, data: { name, retryable } });
    expect(error.message.length).toBeGreaterThan(5);
    const told = JSON.stringify(error);
    expect(told).not.toContain(server.directory);
    expect(told).not.toMatch(/secret|\bat .*\.(ts|js):\d/);
    await client.refused("nothing");
  });

  it("has a code of its own, save what JSON-RPC has one code for", () => {
    const codes = Object.entries(errorTable).map(([name, { code }]) => [code, name] as const);
    const shared = codes.filter(
      ([code], at) => codes.findIndex(([other]) => other === code) !== at,
    );
    expect(shared).toEqual([[-32600, "MessageTooLarge"]]);
  });
});
