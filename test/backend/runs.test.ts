import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Database } from "../../src/storage/database.js";
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

describe("sendMessage", () => {
  it("makes its checks in the contract's order", async () => {
    const bad = { workspaceId: "w", sessionId: "", prompt: " " };
    const nameOf = async (params: object) =>
      (await client.refused("sendMessage", params)).data.name;
    expect(await nameOf(bad)).toBe("WorkspaceNotFound");
    const { id: workspaceId } = await client.call("createWorkspace", { path: server.folder });
    expect(await nameOf({ ...bad, workspaceId })).toBe("AgentNotInitialized");
    await client.call("initAgent", { workspaceId });
    expect(await nameOf({ ...bad, workspaceId })).toBe("EmptyPrompt");
    expect(await nameOf({ ...bad, workspaceId, prompt: "p" })).toBe("SessionMissing");
    expect(await nameOf({ workspaceId, sessionId: "s", prompt: "p" })).toBe("SessionNotFound");
  });

  it("is answered before its turn does anything, and tells a duplicate how far it is", async () => {
    const place = await openSession(server, client);
    const params = { ...place, prompt: "hi", runId: "a" };
    expect(await client.call("sendMessage", params)).toEqual({ runId: "a", state: "accepted" });
    const answered = client.received.findIndex(({ result }) => result?.state === "accepted");
    const ofRun = client.received.findIndex(({ params }) => params?.runId === "a");
    if (ofRun >= 0) expect(ofRun).toBeGreaterThan(answered);
    await until(() => server.engine.live().length === 1);
    const again = { runId: "a", duplicate: true };
    expect(await client.call("sendMessage", params)).toEqual({ ...again, state: "running" });
    server.engine.turnOf(place.sessionId).succeed();
    await client.until("runComplete");
    expect(await client.call("sendMessage", params)).toEqual({ ...again, state: "completed" });
  });

  it("shares one commit with the prompts that come with it on other sessions", async () => {
    const places = [await openSession(server, client)];
    server.engine.preparesAtGates = true;
    for (const title of ["b", "c"]) {
      const { workspaceId } = places[0] ?? { workspaceId: "" };
      const { id: sessionId } = await client.call("createSession", { workspaceId, title });
      places.push({ workspaceId, sessionId });
    }
    const durable = vi.spyOn(Database.prototype, "durable");
    onTestFinished(() => durable.mockRestore());
    const sent = places.map((place, index) =>
      client.request("sendMessage", { ...place, prompt: "hi", runId: `together-${index}` }),
    );
    for (const { answer } of sent) {
      expect(await answer).toMatchObject({ result: { state: "accepted" } });
    }
    expect(durable).toHaveBeenCalledTimes(1);
  });

  it("is seen by what is asked in the same breath", async () => {
    const place = await openSession(server, client);
    server.engine.preparesAtGates = true;
    const params = { ...place, prompt: "hi", runId: "a" };
    const answers = await Promise.all(
      [
        client.request("sendMessage", params),
        client.request("getRun", { ...place, runId: "a" }),
        client.request("sendMessage", params),
        client.request("getSession", place),
        client.request("sendMessage", { ...params, prompt: "later", runId: "b" }),
        client.request("queuedPromptsList", place),
        client.request("cancelRun", { ...place, runId: "b" }),
        client.request("getAgentInfo", place),
        client.request("cancelSession", place),
      ].map(({ answer }) => answer),
    );
    expect(answers.map(({ result }) => result)).toMatchObject([
      { state: "accepted" },
      { state: "accepted" },
      { state: "accepted", duplicate: true },
      { isBusy: true },
      { state: "accepted" },
      { prompts: ["later"] },
      { outcome: "cancelledBeforeStart" },
      { isBusy: true },
      { cancelled: [{ runId: "a", was: "accepted" }] },
    ]);
    await client.until("runComplete", 2);
  });

  it("is answered as what it is, also to whoever cancels the request in the same breath", async () => {
    const place = await openSession(server, client);
    const { id, answer } = client.request("sendMessage", { ...place, prompt: "hi", runId: "a" });
    client.notify("$/cancelRequest", { id });
    expect((await answer).result).toEqual({ runId: "a", state: "accepted" });
    await until(() => server.engine.live(place.sessionId).length === 1);
  });

  it("takes a text attachment for a prompt, and nothing from outside the workspace", async () => {
    const place = await openSession(server, client);
    writeFileSync(join(server.folder, "notes.txt"), "remember");
    writeFileSync(join(server.folder, "empty.txt"), "");
    writeFileSync(join(server.folder, "..", "outside.txt"), "no");
    symlinkSync(join(server.folder, "..", "outside.txt"), join(server.folder, "inside.txt"));
    mkdirSync(join(server.folder, "folder"));
    const withPath = (path: string) => ({ ...place, prompt: "", attachments: [{ path }] });
    for (const path of ["../outside.txt", "inside.txt", "folder", "missing.txt"]) {
      expect(await client.refused("sendMessage", withPath(path)), path).toMatchObject({
        data: { name: "InvalidParams", issues: [{ path: "attachments.0.path" }] },
      });
    }
    expect(await client.refused("sendMessage", withPath("empty.txt"))).toMatchObject({
      data: { name: "EmptyPrompt" },
    });
    await client.call("sendMessage", withPath("notes.txt"));
    await until(() => server.engine.live().length === 1);
    const { prompt } = server.engine.turnOf(place.sessionId).request;
    expect(prompt?.attachments).toMatchObject([{ name: "notes.txt", mimeType: "text/plain" }]);
  });

  it("belongs to the workspace: a client that leaves changes nothing", async () => {
    const place = await openSession(server, client);
    await client.call("initialize", { clientId: "ada" });
    const turn = await send(place, "a");
    client.leave();
    client = server.connect();
    turn.succeed("done");
    await client.call("initialize", { clientId: "ada" });
    expect(await client.call("waitRun", { ...place, runId: "a" })).toMatchObject({ text: "done" });
  });
});

describe("getRun and waitRun", () => {
  it("tell how far a run is, and its completion", async () => {
    const place = await openSession(server, client);
    const turn = await send(place, "a");
    await client.call("sendMessage", { ...place, prompt: "b", runId: "b" });
    const stateOf = async (runId: string) =>
      (await client.call("getRun", { ...place, runId })).state;
    expect([await stateOf("a"), await stateOf("b")]).toEqual(["running", "queued"]);
    turn.succeed("yes");
    const completion = await client.call("waitRun", { ...place, runId: "a" });
    expect(completion).toMatchObject({ runId: "a", status: "succeeded", text: "yes" });
    expect(await client.call("getRun", { ...place, runId: "a" })).toMatchObject({
      runId: "a",
      sessionId: place.sessionId,
      state: "completed",
      completion: { completionId: completion.completionId },
    });
  });

  it("waits for so long, acknowledges nothing, and is told by whoever ends the run", async () => {
    const place = await openSession(server, client);
    await send(place, "a");
    expect(await client.call("waitRun", { ...place, runId: "a", timeoutMs: 0 })).toEqual({
      timedOut: true,
    });
    const wait = client.request("waitRun", { ...place, runId: "a" });
    await client.call("cancelRun", { ...place, runId: "a" });
    expect((await wait.answer).result).toMatchObject({ status: "cancelled" });
    expect((await client.call("listPendingCompletions")).completions).toHaveLength(1);
  });

  it("of a run that nobody sent is RunNotFound", async () => {
    const place = await openSession(server, client);
    for (const method of ["getRun", "waitRun", "cancelRun"]) {
      expect(await client.refused(method, { ...place, runId: "x" })).toMatchObject({ code: 1018 });
    }
  });
});

describe("summarizeSession", () => {
  it("is answered at the end of its turn, and prompts sent meanwhile run then", async () => {
    const place = await openSession(server, client);
    const summary = client.request("summarizeSession", { ...place, runId: "sum" });
    await until(() => server.engine.live().length === 1);
    expect(await client.refused("summarizeSession", place)).toMatchObject({ code: 1007 });
    await client.call("sendMessage", { ...place, prompt: "later" });
    expect(await client.call("queuedPromptsList", place)).toEqual({ prompts: ["later"] });
    server.engine.turnOf(place.sessionId).succeed("in short");
    const { messageId } = (await summary.answer).result;
    expect(await client.call("getMessage", { ...place, messageId })).toMatchObject({
      isSummary: true,
      role: "assistant",
    });
    expect(await client.call("getSession", place)).toMatchObject({ summaryMessageId: messageId });
    await until(() => server.engine.live().length === 1);
    expect(server.engine.turnOf(place.sessionId).text).toBe("later");
    expect(client.told("runComplete")).toMatchObject([{ runId: "sum", messageId }]);
  });

  it("again with its runId gives the same answer, while it runs and after", async () => {
    const place = await openSession(server, client);
    const params = { ...place, runId: "sum" };
    const answers = [1, 2].map(() => client.request("summarizeSession", params).answer);
    await until(() => server.engine.live().length === 1);
    server.engine.turnOf(place.sessionId).succeed();
    const [first, second] = await Promise.all(answers);
    expect(second?.result).toEqual(first?.result);
    expect(await client.call("summarizeSession", params)).toEqual(first?.result);
    expect(server.engine.turns).toHaveLength(1);
  });

  it("goes on when its request is cancelled", async () => {
    const place = await openSession(server, client);
    const summary = client.request("summarizeSession", { ...place, runId: "sum" });
    await until(() => server.engine.live().length === 1);
    client.notify("$/cancelRequest", { id: summary.id });
    expect((await summary.answer).error).toMatchObject({ code: -32800 });
    server.engine.turnOf(place.sessionId).succeed();
    expect(await client.until("runComplete")).toMatchObject({ status: "succeeded" });
  });
});
