import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { TurnwireClient } from "../../src/client/index.js";
import { completion } from "../../src/protocol/objects/examples.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { FakeError, FakeServer } from "./fakeServer.js";

let server: FakeServer;
let client: TurnwireClient;

beforeEach(async () => {
  server = new FakeServer();
  client = await TurnwireClient.attach({ streams: server.connect, clientId: "me" });
});

afterEach(() => client.close());

const prompt = { workspaceId: "ws_1f0c", sessionId: "ses_7a2b", prompt: "How many lines?" };

describe("run", () => {
  it("resolves with the completion, which is acknowledged by then", async () => {
    const run = client.run({ ...prompt, runId: "r" });
    await server.arrival("sendMessage");
    server.complete("r");
    expect(await run).toMatchObject({ runId: "r", text: "There are 42." });
    expect(server.acknowledged).toEqual(["cmp-r"]);
  });

  it("makes up a runId where none is given", async () => {
    const run = client.run(prompt);
    const { params } = await server.arrival("sendMessage");
    server.complete(String(params.runId));
    expect((await run).runId).toBe(params.runId);
  });

  it("acknowledges only when the caller's handler is done", async () => {
    const isTaken = new Deferred<void>();
    const hasBegun = new Deferred<void>();
    const onComplete = () => {
      hasBegun.resolve();
      return isTaken.promise;
    };
    const run = client.run({ ...prompt, runId: "r", onComplete });
    await server.arrival("sendMessage");
    server.complete("r");
    await hasBegun.promise;
    await client.api.ping();
    expect(server.acknowledged).toEqual([]);
    isTaken.resolve();
    await run;
    expect(server.acknowledged).toEqual(["cmp-r"]);
  });

  it("rejects and acknowledges nothing where the caller's handler throws", async () => {
    const full = new Error("disk full");
    const onComplete = () => Promise.reject(full);
    const run = client.run({ ...prompt, runId: "r", onComplete });
    const outcome = expect(run).rejects.toBe(full);
    await server.arrival("sendMessage");
    server.complete("r");
    await outcome;
    await client.api.ping();
    expect(server.acknowledged).toEqual([]);
  });

  it("calls the handler once for a completion that comes twice, and acknowledges both", async () => {
    let calls = 0;
    const onComplete = () => {
      calls++;
    };
    const run = client.run({ ...prompt, runId: "r", onComplete });
    await server.arrival("sendMessage");
    const record = server.complete("r");
    server.notify("runComplete", { ...record, attempt: 2 });
    await run;
    server.notify("runComplete", { ...record, attempt: 3 });
    await server.arrival("acknowledge", 2);
    expect(calls).toBe(1);
  });

  it("hands the run's own events to onEvent", async () => {
    const heard: string[] = [];
    const onEvent = ({ method }: { method: string }) => heard.push(method);
    const run = client.run({ ...prompt, runId: "r", onEvent });
    await server.arrival("sendMessage");
    const place = { workspaceId: "ws_1f0c", sessionId: "ses_7a2b" };
    server.notify("agentFinished", { ...place, runId: "r", sessionTitle: "t" });
    server.notify("agentFinished", { ...place, runId: "other", sessionTitle: "t" });
    server.notify("sessionDeleted", place);
    server.complete("r");
    await run;
    expect(heard).toEqual(["agentFinished"]);
  });

  it("rejects where the prompt is not accepted", async () => {
    server.handlers.sendMessage = () => {
      throw new FakeError(1004, "empty", { name: "EmptyPrompt" });
    };
    await expect(client.run({ ...prompt, prompt: "" })).rejects.toMatchObject({
      name: "EmptyPrompt",
    });
  });

  it("cancels on abort and resolves with the completion that follows", async () => {
    const controller = new AbortController();
    const run = client.run({ ...prompt, runId: "r", signal: controller.signal });
    await server.arrival("sendMessage");
    await client.api.ping();
    controller.abort();
    expect((await server.arrival("cancelRun")).params).toMatchObject({ runId: "r" });
    server.complete("r", { status: "cancelled", cancelled: true });
    expect((await run).status).toBe("cancelled");
  });

  it("sends no cancel before the prompt was accepted", async () => {
    const accepted = new Deferred<object>();
    server.handlers.sendMessage = () => accepted.promise;
    const controller = new AbortController();
    const run = client.run({ ...prompt, runId: "r", signal: controller.signal });
    await server.arrival("sendMessage");
    controller.abort();
    await client.api.ping();
    expect(server.requests("cancelRun")).toEqual([]);
    accepted.resolve({ runId: "r", state: "accepted" });
    await server.arrival("cancelRun");
    server.complete("r", { status: "cancelled", cancelled: true });
    await run;
  });

  it("sends nothing where its signal was aborted beforehand", async () => {
    const run = client.run({ ...prompt, signal: AbortSignal.abort(new Error("too late")) });
    await expect(run).rejects.toThrow("too late");
    expect(server.requests("sendMessage")).toEqual([]);
  });

  it("takes the completion of a run that had ended before it was asked for", async () => {
    server.runs.set("r", "completed");
    server.pending.set("c", { ...completion, completionId: "c", runId: "r" });
    expect((await client.run({ ...prompt, runId: "r" })).completionId).toBe("c");
    expect(server.acknowledged).toEqual(["c"]);
  });
});

describe("when the server dies", () => {
  it("a run that was accepted resolves with what the next server delivers again", async () => {
    const run = client.run({ ...prompt, runId: "r" });
    await server.arrival("sendMessage");
    await client.api.ping();
    const interrupted: RunComplete = {
      ...completion,
      completionId: "c",
      runId: "r",
      attempt: 0,
      status: "interrupted",
      cause: "crash",
    };
    server.runs.set("r", "completed");
    server.pending.set("c", interrupted);
    server.die();
    expect(await run).toMatchObject({ status: "interrupted", attempt: 1 });
    expect(server.connections).toBe(2);
    expect(server.acknowledged).toEqual(["c"]);
  });

  it("a prompt that got no answer is sent again under the same runId", async () => {
    server.handlers.sendMessage = () => new Promise(() => {});
    const run = client.run({ ...prompt, runId: "r" });
    await server.arrival("sendMessage");
    delete server.handlers.sendMessage;
    server.die();
    expect((await server.arrival("sendMessage", 2)).params).toMatchObject({ runId: "r" });
    server.complete("r");
    expect((await run).status).toBe("succeeded");
  });

  it("the next one is set up as the last one was, before the prompt is sent again", async () => {
    await client.api.createWorkspace({ path: "/p", env: { A: "1" }, initAgent: true });
    await client.api.createWorkspace({ path: "/gone" });
    await client.api.deleteWorkspace({ workspaceId: "ws-/gone" }).catch(() => {});
    await client.api.setPermissionMode({ workspaceId: "ws-/p", mode: "allow" });
    const model = { provider: "p", model: "m" };
    await client.api.setModel({ workspaceId: "ws-/p", modelType: "large", model });
    const run = client.run({ ...prompt, workspaceId: "ws-/p", runId: "r" });
    await server.arrival("sendMessage");
    const before = server.received.length;
    server.die();
    await server.arrival("sendMessage", 2);
    const again = server.received.slice(before);
    expect(again.map(({ method }) => method)).toEqual([
      ...["initialize", "createWorkspace", "initAgent", "setModel", "setPermissionMode"],
      ...["createWorkspace", "sendMessage"],
    ]);
    expect(again[1]?.params).toEqual({ path: "/p", env: { A: "1" } });
    server.complete("r", { workspaceId: "ws-/p" });
    await run;
  });

  it("again and again, the run rejects in the end", async () => {
    server.handlers.sendMessage = () => {
      server.die();
      return new Promise(() => {});
    };
    const run = client.run({ ...prompt, runId: "r" });
    await expect(run).rejects.toMatchObject({ name: "ConnectionLost" });
    expect(server.connections).toBe(6);
  });

  it("any number of times, but with completions in between, every run has its completion", async () => {
    for (let deaths = 1; deaths <= 8; deaths++) {
      const runId = `r${deaths}`;
      const run = client.run({ ...prompt, runId });
      await server.arrival("sendMessage", server.requests("sendMessage").length + 1);
      server.die();
      await server.arrival("initialize", deaths + 1);
      await client.api.ping();
      server.complete(runId);
      expect(await run).toMatchObject({ runId });
    }
    expect(server.connections).toBe(9);
  });

  it("a client that may not reconnect rejects its runs", async () => {
    const other = new FakeServer();
    const single = await TurnwireClient.attach({ streams: other.connect(), clientId: "me" });
    const run = single.run({ ...prompt, runId: "r" });
    const outcome = expect(run).rejects.toMatchObject({ name: "ConnectionLost" });
    await other.arrival("sendMessage");
    other.die();
    await outcome;
    await expect(single.api.ping()).rejects.toMatchObject({ name: "ConnectionLost" });
    await single.close();
  });
});

describe("onCompletion", () => {
  it("gets what was missed, in order, and acknowledges each when it is taken", async () => {
    for (const id of ["c1", "c2"]) {
      server.pending.set(id, { ...completion, completionId: id, runId: id });
    }
    const taken: string[] = [];
    const gate = new Deferred<void>();
    client.onCompletion(async ({ completionId }) => {
      taken.push(completionId);
      await gate.promise;
    });
    await server.arrival("listPendingCompletions");
    await client.api.ping();
    expect({ taken, acknowledged: server.acknowledged }).toEqual({
      taken: ["c1"],
      acknowledged: [],
    });
    gate.resolve();
    await server.arrival("acknowledge", 2);
    expect(server.acknowledged).toEqual(["c1", "c2"]);
  });

  it("does not get the completion of a run that is waited for", async () => {
    const taken: string[] = [];
    client.onCompletion(({ completionId }) => {
      taken.push(completionId);
    });
    const run = client.run({ ...prompt, runId: "r" });
    await server.arrival("sendMessage");
    server.complete("r");
    await run;
    server.complete("other");
    await server.arrival("acknowledge", 2);
    expect(taken).toEqual(["cmp-other"]);
  });

  it("that throws acknowledges nothing and gets the completion again", async () => {
    const errors: unknown[] = [];
    const other = new FakeServer();
    const careful = await TurnwireClient.attach({
      streams: other.connect,
      onError: (error) => errors.push(error),
    });
    const attempts: number[] = [];
    careful.onCompletion(({ attempt }) => {
      attempts.push(attempt);
      if (attempt === 1) throw new Error("not now");
    });
    await other.arrival("listPendingCompletions");
    await careful.api.ping();
    const record = other.complete("r");
    await careful.api.ping();
    other.notify("runComplete", { ...record, attempt: 2 });
    await other.arrival("acknowledge");
    expect({ attempts, errors: errors.length }).toEqual({ attempts: [1, 2], errors: 1 });
    await careful.close();
  });

  it("leaves completions unacknowledged where nobody takes them", async () => {
    server.complete("r");
    await client.api.ping();
    expect(server.acknowledged).toEqual([]);
  });
});
