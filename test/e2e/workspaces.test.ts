// protocol.md section 3: workspaces.
import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

let server: ServerProcess;
beforeAll(async () => {
  server = startServer();
  await server.settle();
});

describe("createWorkspace", () => {
  it("opens a folder with the defaults of the contract", async () => {
    const path = makeFolder();
    const workspace = await server.call("createWorkspace", { path });
    expect(workspace).toEqual({
      id: expect.any(String),
      path,
      trusted: false,
      permissionMode: "ask",
      isClosing: false,
      agent: { isReady: false, isBusy: false, engine: expect.any(String) },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
    });
    expect(await server.call("getWorkspace", { workspaceId: workspace.id })).toEqual(workspace);
    const { workspaces } = await server.call("listWorkspaces", {});
    expect(workspaces).toContainEqual(workspace);
  });

  it("makes the agent ready too where that is asked for", async () => {
    const { agent } = await server.call("createWorkspace", { path: makeFolder(), initAgent: true });
    expect(agent).toMatchObject({
      isReady: true,
      model: { id: "offline", provider: "offline" },
      modelConfig: { provider: "offline", model: "offline" },
    });
  });

  it("gives one workspace for one folder, however it is written, and the first options win", async () => {
    const path = makeFolder();
    const link = join(makeFolder(), "link");
    symlinkSync(path, link, "dir");
    const options = { trusted: true, permissionMode: "deny" } as const;
    const first = await server.call("createWorkspace", { path: link, ...options });
    expect(first).toMatchObject({ path, ...options });
    mkdirSync(join(path, "inner"));
    for (const other of [path, `${path}/`, join(path, "inner", ".."), link]) {
      const again = await server.call("createWorkspace", { path: other, permissionMode: "allow" });
      expect(again).toEqual(first);
    }
  });

  it("takes a relative path from where the server runs", async () => {
    const path = makeFolder();
    const cwd = makeFolder();
    const other = startServer({ cwd });
    expect(await other.call("createWorkspace", { path: relative(cwd, path) })).toMatchObject({
      path,
    });
    expect(await other.call("createWorkspace", { path: "." })).toMatchObject({ path: cwd });
  });

  it("gives the same folder the same id after a restart, and another one to another", async () => {
    const path = makeFolder();
    const first = startServer();
    const workspace = await first.call("createWorkspace", { path });
    const { id: sessionId } = await first.call("createSession", {
      workspaceId: workspace.id,
      title: "kept",
    });
    await first.close();
    const second = startServer({ dataDir: first.dataDir });
    expect((await second.call("listWorkspaces", {})).workspaces).toEqual([]);
    const other = await second.call("createWorkspace", { path: makeFolder() });
    const again = await second.call("createWorkspace", { path });
    expect(again).toEqual(workspace);
    expect(other.id).not.toBe(workspace.id);
    const ids = { workspaceId: again.id, sessionId };
    expect(await second.call("getSession", ids)).toMatchObject({ title: "kept" });
    expect(await second.failure("getSession", { ...ids, workspaceId: other.id })).toBe(
      "SessionNotFound",
    );
  });

  it.each(["", "   "])("without a path (%j) is `PathRequired`", async (path) => {
    expect(await server.fail("createWorkspace", { path })).toMatchObject({
      code: 1008,
      data: { name: "PathRequired" },
    });
  });

  it("of what is no folder is `PathNotFound`", async () => {
    const file = join(makeFolder(), "file");
    writeFileSync(file, "");
    for (const path of [file, join(file, "below"), join(makeFolder(), "missing")]) {
      expect(await server.fail("createWorkspace", { path })).toMatchObject({
        code: 1009,
        data: { name: "PathNotFound" },
      });
    }
  });

  it("whose agent cannot be made ready leaves nothing open", async () => {
    const path = makeFolder();
    writeFileSync(join(path, "turnwire.json"), "{ nonsense");
    expect(await server.failure("createWorkspace", { path, initAgent: true })).toBe(
      "ConfigInvalid",
    );
    const { workspaces } = await server.call("listWorkspaces", {});
    expect(workspaces.map((one) => one.path)).not.toContain(path);
  });

  it("of a folder that is deleted later goes on, by its id", async () => {
    const path = makeFolder();
    const { id: workspaceId } = await server.call("createWorkspace", { path });
    rmdirSync(path);
    expect(await server.call("getWorkspace", { workspaceId })).toMatchObject({ path });
    expect(await server.failure("createWorkspace", { path })).toBe("PathNotFound");
  });
});

describe("deleteWorkspace", () => {
  it("closes it, and what was in it stays on disk", async () => {
    const session = await openSession(server);
    const { workspaceId, sessionId, path } = session;
    await session.run("@say hi", "r-1");
    expect(await server.call("deleteWorkspace", { workspaceId })).toEqual({});
    expect(await server.event("workspaceClosed", { workspaceId })).toEqual({ workspaceId });
    expect(await server.failure("getWorkspace", { workspaceId })).toBe("WorkspaceNotFound");
    expect(await server.failure("deleteWorkspace", { workspaceId })).toBe("WorkspaceNotFound");
    const again = await server.call("createWorkspace", { path });
    expect(again).toMatchObject({ id: workspaceId, agent: { isReady: false } });
    const { messages } = await server.call("listMessages", { workspaceId, sessionId });
    expect(messages.map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  it("lets the folder be opened again with other options", async () => {
    const path = makeFolder();
    const { id } = await server.call("createWorkspace", { path, permissionMode: "deny" });
    await server.call("setPermissionMode", { workspaceId: id, mode: "allow" });
    server.send(server.request("deleteWorkspace", { workspaceId: id }));
    expect(await server.call("createWorkspace", { path })).toMatchObject({
      permissionMode: "ask",
      isClosing: false,
    });
  });
});

describe("setPermissionMode", () => {
  it("changes the mode of an open workspace", async () => {
    const { id: workspaceId } = await server.call("createWorkspace", { path: makeFolder() });
    expect(await server.call("setPermissionMode", { workspaceId, mode: "deny" })).toEqual({});
    expect(await server.call("getWorkspace", { workspaceId })).toMatchObject({
      permissionMode: "deny",
    });
    expect(await server.failure("setPermissionMode", { workspaceId, mode: "maybe" })).toBe(
      "InvalidParams",
    );
  });
});

it("every method of a workspace knows an id that is none", async () => {
  const workspaceId = "ws_unknown";
  const more = {
    sessionId: "s",
    messageId: "m",
    title: "t",
    runId: "r",
    prompt: "p",
    providerId: "x",
    mode: "ask",
    modelType: "large",
    model: { provider: "a", model: "b" },
  };
  const names = [
    ...["getWorkspace", "deleteWorkspace", "createSession", "getSession", "listSessions"],
    ...["updateSession", "deleteSession", "listMessages", "getMessage", "initAgent", "updateAgent"],
    ...["getAgentInfo", "sendMessage", "cancelSession", "cancelRun", "summarizeSession"],
    ...["queuedPrompts", "queuedPromptsList", "clearQueue", "listModels", "setModel"],
    ...["getDefaultSmallModel", "getRun", "waitRun", "setPermissionMode"],
  ];
  for (const name of names) {
    const error = await server.fail(name, { workspaceId, ...more });
    expect([name, error.code, error.data.name]).toEqual([name, 1001, "WorkspaceNotFound"]);
  }
});
