import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type MemoryClient, MemoryServer, openSession, until } from "../helpers/memoryServer.js";

let server: MemoryServer;
let client: MemoryClient;

beforeEach(() => {
  server = new MemoryServer();
  client = server.connect();
});

afterEach(async () => {
  for (const engine of server.engines) {
    engine.stopsAtOnce = true;
    for (const turn of engine.turns) turn.stop();
  }
  client.leave();
  await server.close();
});

type Place = Awaited<ReturnType<typeof openSession>>;

/** Sends a prompt, and waits for its turn to begin. */
async function send(place: Place, runId: string) {
  await client.call("sendMessage", { ...place, prompt: `do ${runId}`, runId });
  await until(() => server.engine.live(place.sessionId).length === 1);
  return server.engine.turnOf(place.sessionId);
}

describe("a workspace", () => {
  it("is one for one real folder, by whatever path; the first one's options win", async () => {
    const first = await client.call("createWorkspace", {
      path: server.folder,
      permissionMode: "deny",
      trusted: true,
    });
    const link = join(server.folder, "..", "link");
    symlinkSync(server.folder, link);
    const second = await client.call("createWorkspace", { path: link, permissionMode: "allow" });
    expect(second).toEqual(first);
    expect(second).toMatchObject({ permissionMode: "deny", trusted: true, isClosing: false });
    expect(await client.call("createWorkspace", { path: "project" })).toEqual(first);
    expect((await client.call("listWorkspaces")).workspaces).toEqual([first]);
  });

  it("prepares each turn with the configuration and the permission mode as they are now", async () => {
    const place = await openSession(server, client);
    const first = await send(place, "a");
    expect(server.engine.setups[0]?.large).toMatchObject({ provider: "offline" });
    expect(server.engine.setups[0]?.permissions.mode()).toBe("ask");
    await client.call("setPermissionMode", { ...place, mode: "deny" });
    expect(server.engine.setups[0]?.permissions.mode()).toBe("deny");
    first.succeed();
    mkdirSync(join(server.folder, "..", "config", "turnwire"), { recursive: true });
    const limits = JSON.stringify({ limits: { maxSteps: 7 } });
    writeFileSync(join(server.folder, "..", "config", "turnwire", "config.json"), limits);
    await until(() => server.engine.live(place.sessionId).length === 0);
    await send(place, "b");
    expect(server.engine.setups[1]?.config.limits.maxSteps).toBe(7);
  });

  it("that could not be made ready is not open afterwards", async () => {
    writeFileSync(join(server.folder, "turnwire.json"), "{");
    await client.refused("createWorkspace", { path: server.folder, initAgent: true });
    expect(await client.call("listWorkspaces")).toEqual({ workspaces: [] });
  });

  it("that was open stays open, with its turn and its mode, where it could not be made ready", async () => {
    const workspace = await client.call("createWorkspace", { path: server.folder });
    const place = { workspaceId: workspace.id };
    await client.call("setPermissionMode", { ...place, mode: "deny" });
    writeFileSync(join(server.folder, "turnwire.json"), "{");
    expect(
      await client.refused("createWorkspace", { path: server.folder, initAgent: true }),
    ).toMatchObject({ data: { name: "ConfigInvalid" } });
    expect(await client.call("getWorkspace", place)).toMatchObject({
      permissionMode: "deny",
      isClosing: false,
    });
    expect(client.told("workspaceClosed")).toEqual([]);
    expect(server.engine.isDisposed).toBe(false);
  });

  it("that somebody else opened meanwhile stays open where it could not be made ready", async () => {
    writeFileSync(join(server.folder, "turnwire.json"), "{");
    const params = { path: server.folder };
    const failing = client.request("createWorkspace", { ...params, initAgent: true });
    const other = client.request("createWorkspace", params);
    const failingToo = client.request("createWorkspace", { ...params, initAgent: true });
    for (const { answer } of [failing, failingToo]) {
      expect((await answer).error).toMatchObject({ data: { name: "ConfigInvalid" } });
    }
    const { result: workspace } = await other.answer;
    expect(await client.call("listWorkspaces")).toEqual({ workspaces: [workspace] });
  });

  it("that two could not make ready is open for neither", async () => {
    writeFileSync(join(server.folder, "turnwire.json"), "{");
    const params = { path: server.folder, initAgent: true };
    const both = [client.request("createWorkspace", params)];
    both.push(client.request("createWorkspace", params));
    for (const { answer } of both) expect((await answer).error).toBeDefined();
    expect(await client.call("listWorkspaces")).toEqual({ workspaces: [] });
    expect(client.told("workspaceClosed")).toHaveLength(1);
  });

  it("keeps its id, and its sessions, when it is deleted and opened again", async () => {
    const place = await openSession(server, client);
    await client.call("deleteWorkspace", place);
    expect(await client.refused("getWorkspace", place)).toMatchObject({ code: 1001 });
    expect(client.told("workspaceClosed")).toEqual([{ workspaceId: place.workspaceId }]);
    const again = await client.call("createWorkspace", { path: server.folder });
    expect(again.id).toBe(place.workspaceId);
    expect(again.agent.isReady).toBe(false);
    expect((await client.call("listSessions", place)).sessions).toMatchObject([
      { id: place.sessionId },
    ]);
  });

  it("closes in order: no new runs, cancel, wait for the turns, release", async () => {
    const place = await openSession(server, client);
    server.engine.stopsAtOnce = false;
    const turn = await send(place, "a");
    await client.call("sendMessage", { ...place, prompt: "later", runId: "b" });
    const deleted = client.request("deleteWorkspace", place);
    expect(await client.refused("sendMessage", { ...place, prompt: "x" })).toMatchObject({
      data: { name: "WorkspaceClosing" },
    });
    expect(await client.call("getWorkspace", place)).toMatchObject({ isClosing: true });
    expect(turn.request.signal.aborted).toBe(true);
    expect(server.engine.isDisposed).toBe(false);
    const wait = client.request("waitRun", { ...place, runId: "a" });
    await client.call("ping");
    turn.stop();
    expect((await deleted.answer).result).toEqual({});
    expect((await wait.answer).result).toMatchObject({ status: "cancelled", cause: "deleted" });
    expect(server.engine.isDisposed).toBe(true);
    await client.until("runComplete", 2);
    expect(client.told("runComplete").map(({ runId, cause }) => [runId, cause])).toEqual([
      ["b", "deleted"],
      ["a", "deleted"],
    ]);
  });

  it("that is being closed is opened anew once that is done, even if it did not go well", async () => {
    const place = await openSession(server, client);
    const first = server.engine;
    first.stopsAtOnce = false;
    first.dispose = async () => {
      throw new Error("a process would not end");
    };
    const turn = await send(place, "a");
    const deleted = client.request("deleteWorkspace", place);
    const created = client.request("createWorkspace", { path: server.folder });
    await client.call("ping");
    expect(server.engines).toHaveLength(1);
    turn.stop();
    expect((await deleted.answer).error).toBeUndefined();
    expect((await created.answer).result).toMatchObject({
      id: place.workspaceId,
      isClosing: false,
    });
    expect(server.engines).toHaveLength(2);
  });
});

describe("sessions and messages", () => {
  it("come in pages, sessions newest first and messages oldest first", async () => {
    const place = await openSession(server, client);
    const { workspaceId } = place;
    for (const title of ["b", "c"]) await client.call("createSession", { workspaceId, title });
    const page = await client.call("listSessions", { ...place, limit: 2 });
    const rest = await client.call("listSessions", { ...place, cursor: page.nextCursor });
    const titles = (sessions: { title: string }[]) => sessions.map(({ title }) => title);
    expect([titles(page.sessions), titles(rest.sessions)]).toEqual([["c", "b"], [""]]);
    expect(rest.nextCursor).toBeUndefined();
    (await send(place, "a")).succeed("ok");
    await client.until("runComplete");
    const first = await client.call("listMessages", { ...place, limit: 1 });
    const second = await client.call("listMessages", { ...place, cursor: first.nextCursor });
    expect(first.messages).toMatchObject([{ role: "user" }]);
    expect(second.messages).toMatchObject([{ role: "assistant" }]);
    expect(await client.refused("listMessages", { ...place, cursor: "x" })).toMatchObject({
      data: { name: "InvalidParams", issues: [{ path: "cursor" }] },
    });
  });

  it("can be deleted once no turn runs, with what was kept for them", async () => {
    const place = await openSession(server, client);
    const turn = await send(place, "a");
    expect(await client.refused("deleteSession", place)).toMatchObject({ code: 1007 });
    turn.succeed();
    await client.until("runComplete");
    await client.call("deleteSession", place);
    expect(server.engine.forgotten).toEqual([place.sessionId]);
    await client.until("sessionDeleted");
    expect(await client.refused("getSession", place)).toMatchObject({ code: 1006 });
    expect(await client.call("getRun", { ...place, runId: "a" })).toMatchObject({
      state: "completed",
    });
  });

  it("show what has streamed, also what is not on disk yet", async () => {
    const place = await openSession(server, client);
    const { sink } = (await send(place, "a")).request;
    const reply = sink.createMessage({ role: "assistant" });
    reply.append(reply.addPart({ type: "text", text: "" }), "half");
    expect(await client.call("getMessage", { ...place, messageId: reply.id })).toMatchObject({
      parts: [{ type: "text", text: "half" }],
    });
  });
});

describe("the end of the server", () => {
  it("gives running turns the linger time, and cancels what is left then", async () => {
    await server.close();
    server = new MemoryServer({ lingerMs: 300 });
    client = server.connect();
    const place = await openSession(server, client);
    const quick = await client.call("createSession", { workspaceId: place.workspaceId });
    await send(place, "slow");
    const turn = await send({ ...place, sessionId: quick.id }, "quick");
    const ended = server.server.end("disconnect");
    turn.succeed();
    await ended;
    expect(
      client.told("runComplete").map(({ runId, status, cause }) => [runId, status, cause]),
    ).toEqual([
      ["quick", "succeeded", undefined],
      ["slow", "cancelled", "disconnect"],
    ]);
  });

  it("does not wait the linger time where nothing runs", async () => {
    await server.close();
    server = new MemoryServer({ lingerMs: 1_000_000 });
    client = server.connect();
    const place = await openSession(server, client);
    const turn = await send(place, "a");
    const ended = server.server.end("shutdown");
    turn.succeed();
    await ended;
    expect(client.told("runComplete")).toMatchObject([{ status: "succeeded" }]);
  });
});
