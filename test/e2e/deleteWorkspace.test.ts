// protocol.md sections 3 and 4: closing a workspace while turns run in it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LoopbackServer, occupy, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
import { beginStubbornTurn } from "../helpers/stubbornTool.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

describe("deleteWorkspace", () => {
  it("takes no new runs, cancels, waits for the turns, and then is gone, in this order", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const other = await session.another();
    const turn = await beginStubbornTurn(session, loopback.provider, "close-1");
    await session.send("waits", "close-2");
    await occupy(other, loopback.provider, "close-3");
    server.send(
      server.request("deleteWorkspace", { workspaceId }, "close"),
      server.request("sendMessage", session.params("too late", "close-4"), "late"),
      server.request("summarizeSession", session.ids, "late-summary"),
      server.request("createSession", { workspaceId }, "late-session"),
      server.request("initAgent", { workspaceId }, "late-init"),
      server.request("getWorkspace", { workspaceId }, "seen"),
    );
    const closing = { error: { code: 1002, data: { name: "WorkspaceClosing" } } };
    for (const id of ["late", "late-summary", "late-session", "late-init"]) {
      expect(await server.answer(id)).toMatchObject(closing);
    }
    expect(await server.answer("seen")).toMatchObject({ result: { isClosing: true } });
    await server.completion("close-3");
    expect(server.frames.some(({ id }) => id === "close")).toBe(false);
    turn.release();
    expect(await server.answer("close")).toMatchObject({ result: {} });
    await server.event("workspaceClosed", { workspaceId });
    const completions = server.events("runComplete", { workspaceId });
    expect(completions.map(({ runId, status, cause }) => [runId, status, cause]).sort()).toEqual([
      ["close-1", "cancelled", "deleted"],
      ["close-2", "cancelled", "deleted"],
      ["close-3", "cancelled", "deleted"],
    ]);
    const of = server.frames.filter(({ params }) => params?.workspaceId === workspaceId);
    expect(of.at(-1)?.method).toBe("workspaceClosed");
    await server.call("createWorkspace", { path: session.path, initAgent: true });
    expect(await server.failure("getRun", { workspaceId, runId: "close-4" })).toBe("RunNotFound");
    expect(await session.run("hello again", "close-5")).toMatchObject({ status: "succeeded" });
  });

  it("whose request is cancelled is answered -32800 at once, and closes the workspace all the same", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const turn = await beginStubbornTurn(session, loopback.provider, "forgotten-1");
    server.send(server.request("deleteWorkspace", { workspaceId }, "forgotten"));
    server.notify("$/cancelRequest", { id: "forgotten" });
    expect(await server.answer("forgotten")).toMatchObject({
      error: { code: -32800, data: { name: "RequestCancelled" } },
    });
    expect(await server.call("getWorkspace", { workspaceId })).toMatchObject({ isClosing: true });
    turn.release();
    await server.event("workspaceClosed", { workspaceId });
    expect(await server.failure("getWorkspace", { workspaceId })).toBe("WorkspaceNotFound");
  });

  it("sent twice is answered twice, and a folder opened meanwhile is open afterwards", async () => {
    const session = await openSession(server);
    const { workspaceId, path } = session;
    const turn = await beginStubbornTurn(session, loopback.provider, "re-1");
    server.send(
      server.request("deleteWorkspace", { workspaceId }, "re-close-1"),
      server.request("deleteWorkspace", { workspaceId }, "re-close-2"),
      server.request("createWorkspace", { path, initAgent: true }, "re-open"),
    );
    await server.settle();
    expect(server.frames.some(({ id }) => id === "re-open")).toBe(false);
    turn.release();
    expect(await server.answer("re-close-1")).toMatchObject({ result: {} });
    expect(await server.answer("re-close-2")).toMatchObject({ result: {} });
    expect(await server.answer("re-open")).toMatchObject({
      result: { id: workspaceId, isClosing: false, agent: { isReady: true } },
    });
    expect(await session.run("hello", "re-2")).toMatchObject({ status: "succeeded" });
    expect(server.events("workspaceClosed", { workspaceId })).toHaveLength(1);
  });

  it("ends a wait for one of its runs with the completion", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    await occupy(session, loopback.provider, "waited");
    server.send(
      server.request("waitRun", { workspaceId, runId: "waited" }, "waiting"),
      server.request("deleteWorkspace", { workspaceId }),
    );
    expect(await server.answer("waiting")).toMatchObject({
      result: { status: "cancelled", cause: "deleted" },
    });
  });
});
