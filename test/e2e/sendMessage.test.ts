// protocol.md section 4: `sendMessage`, its checks in their order, duplicates, and the full queue.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  occupy,
  startLoopbackServer,
  turnRequest,
  userTexts,
} from "../helpers/loopbackServer.js";
import { endServers, makeFolder, type ServerProcess } from "../helpers/serverProcess.js";
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

describe("the answer", () => {
  it("comes at once, before the model has said anything, and before every event of the run", async () => {
    const session = await openSession(server);
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened).text("done"));
    server.send(server.request("sendMessage", session.params("hello", "at-once"), "the-answer"));
    expect(await server.answer("the-answer")).toMatchObject({
      result: { runId: "at-once", state: "accepted" },
    });
    await gate.reached();
    gate.open();
    await server.completion("at-once");
    const answered = server.frames.findIndex(({ id }) => id === "the-answer");
    const created = server.frames.findIndex(
      ({ method, params }) => method === "messageCreated" && params?.runId === "at-once",
    );
    expect(answered).toBeLessThan(created);
  });

  it("has no `runId` where none was sent", async () => {
    const session = await openSession(server);
    expect(await session.send("hello")).toEqual({ state: "accepted" });
    expect(await server.event("runComplete", { sessionId: session.sessionId })).not.toHaveProperty(
      "runId",
    );
  });
});

describe("where two things are wrong, the first of the contract's order is told", () => {
  const other = "elsewhere";

  it("1. the workspace before the agent", async () => {
    const params = { workspaceId: other, sessionId: "", prompt: "" };
    expect(await server.failure("sendMessage", params)).toBe("WorkspaceNotFound");
  });

  it("2. the agent before the prompt", async () => {
    const { id } = await server.call("createWorkspace", { path: makeFolder() });
    const params = { workspaceId: id, sessionId: "", prompt: "" };
    expect(await server.fail("sendMessage", params)).toMatchObject({
      code: 1003,
      data: { name: "AgentNotInitialized" },
    });
  });

  it("3. the prompt before the session", async () => {
    const { workspaceId } = await openSession(server);
    for (const sessionId of ["", other]) {
      for (const prompt of ["", "  \n\t "]) {
        expect(await server.fail("sendMessage", { workspaceId, sessionId, prompt })).toMatchObject({
          code: 1004,
          data: { name: "EmptyPrompt" },
        });
      }
    }
  });

  it("4. the session before the closing of the workspace", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const turn = await beginStubbornTurn(session, loopback.provider, "order-4");
    server.send(
      server.request("deleteWorkspace", { workspaceId }, "closing-4"),
      server.request("sendMessage", { workspaceId, sessionId: "", prompt: "x" }, "missing-4"),
      server.request("sendMessage", { workspaceId, sessionId: other, prompt: "x" }, "unknown-4"),
    );
    expect(await server.answer("missing-4")).toMatchObject({ error: { code: 1005 } });
    expect(await server.answer("unknown-4")).toMatchObject({ error: { code: 1006 } });
    turn.release();
    await server.answer("closing-4");
  });

  it("5. a conflict of the `runId` before the closing of the workspace", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const turn = await beginStubbornTurn(session, loopback.provider, "order-5");
    server.send(
      server.request("deleteWorkspace", { workspaceId }, "closing-5"),
      server.request("sendMessage", session.params("another prompt", "order-5"), "sent-5"),
      server.request("sendMessage", session.params("another prompt", "order-5-b"), "sent-5-b"),
    );
    expect(await server.answer("sent-5")).toMatchObject({
      error: { code: 1010, data: { name: "RunIdConflict", retryable: false } },
    });
    expect(await server.answer("sent-5-b")).toMatchObject({
      error: { code: 1002, data: { name: "WorkspaceClosing", retryable: false } },
    });
    turn.release();
    await server.answer("closing-5");
  });

  it("8. the full queue, which takes none but a duplicate", async () => {
    const session = await openSession(server);
    const gate = await occupy(session, loopback.provider, "first");
    const texts = Array.from({ length: 1000 }, (_, index) =>
      session.prompt(`queued ${index}`, `full-${index}`),
    );
    server.send(...texts);
    expect(await session.send("queued 0", "full-0")).toEqual({
      runId: "full-0",
      state: "queued",
      duplicate: true,
    });
    expect(await server.failure("sendMessage", session.params("other", "full-0"))).toBe(
      "RunIdConflict",
    );
    for (const runId of ["full-1000", undefined]) {
      expect(await server.fail("sendMessage", session.params("one more", runId))).toMatchObject({
        code: 1011,
        data: { name: "QueueFull", retryable: true },
      });
    }
    expect(await server.call("queuedPrompts", session.ids)).toEqual({ count: 1000 });
    // What was refused was never there.
    const { workspaceId } = session;
    expect(await server.failure("getRun", { workspaceId, runId: "full-1000" })).toBe("RunNotFound");
    expect(await (await session.another()).send("elsewhere", "side")).toMatchObject({
      state: "accepted",
    });
    expect(await server.call("clearQueue", session.ids)).toMatchObject({ cleared: 1000 });
    await server.completion("full-999");
    expect(
      server.events("runComplete", { sessionId: session.sessionId, status: "cancelled" }),
    ).toHaveLength(1000);
    gate.open();
    await server.completion("first");
  });
});

describe("a `runId` that was seen before", () => {
  it("is not run again: the answer tells how far it has come", async () => {
    const session = await openSession(server);
    const requests = loopback.provider.turnRequests.length;
    const gate = await occupy(session, loopback.provider, "dup-1");
    await session.send("second", "dup-2");
    const ask = (prompt: string, runId: string) => session.send(prompt, runId);
    expect(await ask("occupy", "dup-1")).toEqual({
      runId: "dup-1",
      state: "running",
      duplicate: true,
    });
    expect(await ask("second", "dup-2")).toMatchObject({ state: "queued", duplicate: true });
    gate.open();
    await server.completion("dup-2");
    expect(await ask("occupy", "dup-1")).toMatchObject({ state: "completed", duplicate: true });
    await server.settle();
    expect(server.events("runComplete", { runId: "dup-1" })).toHaveLength(1);
    expect(loopback.provider.turnRequests.length - requests).toBe(2);
  });

  it("twice in one write is accepted once", async () => {
    const session = await openSession(server);
    server.send(
      server.request("sendMessage", session.params("hello", "twin"), "twin-1"),
      server.request("sendMessage", session.params("hello", "twin"), "twin-2"),
    );
    expect(await server.answer("twin-1")).toMatchObject({ result: { state: "accepted" } });
    expect(await server.answer("twin-2")).toMatchObject({ result: { duplicate: true } });
    await server.completion("twin");
    expect((await session.messages()).map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  it("with another prompt, session or attachment is a conflict", async () => {
    const session = await openSession(server);
    await session.run("hello", "mine");
    const other = await session.another();
    const attachments = [{ name: "a", mimeType: "text/plain", data: "YQ==" }];
    for (const params of [
      session.params("hello!", "mine"),
      other.params("hello", "mine"),
      { ...session.params("hello", "mine"), attachments },
    ]) {
      expect(await server.fail("sendMessage", params)).toMatchObject({
        code: 1010,
        data: { name: "RunIdConflict", retryable: false },
      });
    }
  });

  it("in another workspace is another run", async () => {
    const [one, two] = [await openSession(server), await openSession(server)];
    await one.run("hello", "shared");
    expect(await two.send("something else", "shared")).toEqual({
      runId: "shared",
      state: "accepted",
    });
    await server.event("runComplete", { workspaceId: two.workspaceId });
  });
});

describe("attachments", () => {
  it("go along with the prompt, and a text may stand without one", async () => {
    const session = await openSession(server);
    const index = loopback.provider.turnRequests.length;
    const data = Buffer.from("content of the note").toString("base64");
    await server.call("sendMessage", {
      ...session.params("", "attached"),
      attachments: [{ name: "note.txt", mimeType: "text/plain", data }],
    });
    await server.completion("attached");
    const request = await turnRequest(loopback.provider, index);
    expect(userTexts(request).join()).toContain("content of the note");
    expect((await session.messages())[0]?.parts).toContainEqual({
      type: "attachment",
      name: "note.txt",
      mimeType: "text/plain",
      size: 19,
    });
  });

  it("that say nothing do not make up for an empty prompt", async () => {
    const session = await openSession(server);
    const image = { name: "a.png", mimeType: "image/png", data: "AAAA" };
    const empty = { name: "a.txt", mimeType: "text/plain", data: "" };
    for (const attachment of [image, empty]) {
      const params = { ...session.params(" "), attachments: [attachment] };
      expect(await server.failure("sendMessage", params)).toBe("EmptyPrompt");
    }
  });

  it("may be files of the workspace, read at acceptance, and no others", async () => {
    const session = await openSession(server);
    const index = loopback.provider.turnRequests.length;
    const outside = join(makeFolder(), "secret.txt");
    writeFileSync(outside, "secret");
    writeFileSync(join(session.path, "in.txt"), "what the file says");
    mkdirSync(join(session.path, "folder"));
    symlinkSync(outside, join(session.path, "link.txt"));
    const send = (path: string) =>
      server.ask("sendMessage", {
        ...session.params("look", `file-${path}`),
        attachments: [{ path }],
      });
    expect(await send("in.txt")).toMatchObject({ result: { state: "accepted" } });
    await server.completion("file-in.txt");
    const request = await turnRequest(loopback.provider, index);
    expect(userTexts(request).join()).toContain("what the file says");
    for (const path of [outside, "../x", "link.txt", "folder", "missing.txt"]) {
      expect(await send(path)).toMatchObject({
        error: { code: -32602, data: { issues: [{ path: "attachments.0.path" }] } },
      });
    }
    const bad = { name: "a", mimeType: "text/plain", data: "not base64!" };
    const params = { ...session.params("look"), attachments: [bad] };
    expect(await server.failure("sendMessage", params)).toBe("InvalidParams");
  });
});
