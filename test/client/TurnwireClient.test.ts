import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import {
  ConnectionLostError,
  type LossyEvent,
  TurnwireClient,
  TurnwireRpcError,
} from "../../src/client/index.js";
import { requestInput } from "../../src/protocol/methods/requestInput.js";
import { FakeError, FakeServer } from "./fakeServer.js";

let server: FakeServer;
let client: TurnwireClient;

beforeEach(async () => {
  server = new FakeServer();
  client = await TurnwireClient.attach({ streams: server.connect, clientId: "me" });
});

afterEach(() => client.close());

const delta = (text: string) => ({
  workspaceId: "w",
  sessionId: "s",
  runId: "r-1",
  messageId: "m",
  partIndex: 0,
  kind: "text",
  offset: 0,
  delta: text,
});

describe("a request", () => {
  it("is answered with the method's result", async () => {
    expect(await client.request("ping", {})).toEqual({});
    expect((await client.api.createSession({ workspaceId: "w" })).id).toBe("ses_7a2b");
  });

  it("may leave out params where none is required", async () => {
    await client.api.ping();
    expect(server.requests("ping")[0]?.params).toEqual({});
  });

  it("rejects with the name, code and data of the server's error", async () => {
    server.handlers.getSession = () => {
      throw new FakeError(1006, "no such session", {
        name: "SessionNotFound",
        retryable: false,
        a: 1,
      });
    };
    const error = await client.api.getSession({ workspaceId: "w", sessionId: "x" }).catch((e) => e);
    expect(error).toBeInstanceOf(TurnwireRpcError);
    expect(error).toMatchObject({
      name: "SessionNotFound",
      code: 1006,
      message: "no such session",
      retryable: false,
      data: { a: 1 },
    });
  });

  it.each([null, "words", 5, undefined])(
    "rejects with no data where the error has %j",
    async (data) => {
      server.handlers.ping = () => {
        throw new FakeError(-32603, "broken", data as unknown as object);
      };
      const error = await client.api.ping().catch((e) => e);
      expect(error).toBeInstanceOf(TurnwireRpcError);
      expect(error).toMatchObject({ code: -32603, message: "broken", retryable: false, data: {} });
    },
  );

  it("is cancelled by its signal, and rejects with what the server answers", async () => {
    const cancelled = new Deferred<object>();
    server.handlers.waitRun = () => cancelled.promise;
    const controller = new AbortController();
    const waiting = client.api.waitRun({ workspaceId: "w", runId: "r" }, controller.signal);
    const { id } = await server.arrival("waitRun");
    controller.abort();
    expect((await server.arrival("$/cancelRequest")).params).toEqual({ id });
    cancelled.reject(new FakeError(-32800, "cancelled", { name: "RequestCancelled" }));
    await expect(waiting).rejects.toMatchObject({ name: "RequestCancelled", code: -32800 });
  });

  it("rejects with ConnectionLost when the server goes away before it answers", async () => {
    server.handlers.waitRun = () => new Promise(() => {});
    const waiting = client.api.waitRun({ workspaceId: "w", runId: "r" });
    await server.arrival("waitRun");
    server.die();
    await expect(waiting).rejects.toBeInstanceOf(ConnectionLostError);
  });

  it("starts the next server where the last one was lost", async () => {
    server.die();
    server.handlers.waitRun = () => new Promise(() => {});
    await client.api.waitRun({ workspaceId: "w", runId: "r" }).catch(() => {});
    expect(await client.api.ping()).toEqual({});
    expect(server.connections).toBe(2);
  });
});

describe("initialize", () => {
  it("tells the server who the client is", async () => {
    expect(server.requests("initialize")[0]?.params).toMatchObject({
      protocolVersion: 1,
      clientId: "me",
      capabilities: { requestPermission: true },
    });
    expect(client.server.serverInfo.name).toBe("fake");
  });

  it("keeps one identity over all connections where none is given", async () => {
    const other = new FakeServer();
    const fresh = await TurnwireClient.attach({ streams: other.connect });
    const run = fresh.run({ workspaceId: "w", sessionId: "s", prompt: "p", runId: "r" });
    await other.arrival("sendMessage");
    other.die();
    await other.arrival("sendMessage", 2);
    other.complete("r", { workspaceId: "w" });
    await run;
    expect(new Set(other.requests("initialize").map(({ params }) => params.clientId)).size).toBe(1);
    await fresh.close();
  });

  it("that is refused rejects, and closes the streams", async () => {
    const other = new FakeServer();
    other.handlers.initialize = () => {
      throw new FakeError(1015, "no", { name: "UnsupportedProtocolVersion", supported: [2] });
    };
    let output = new PassThrough();
    const streams = () => {
      const opened = other.connect();
      if (opened.output instanceof PassThrough) output = opened.output;
      return opened;
    };
    await expect(TurnwireClient.attach({ streams })).rejects.toMatchObject({
      name: "UnsupportedProtocolVersion",
      data: { supported: [2] },
    });
    expect(output.writableEnded).toBe(true);
  });
});

describe("events", () => {
  it("come to the handlers of their name, until they are taken away", async () => {
    const heard: string[] = [];
    const stop = client.on("messageDelta", ({ delta }) => heard.push(delta));
    server.notify("messageDelta", delta("a"));
    server.notify("workspaceClosed", { workspaceId: "w" });
    await client.api.ping();
    stop();
    server.notify("messageDelta", delta("b"));
    await client.api.ping();
    expect(heard).toEqual(["a"]);
  });

  it("can be iterated, and leaving the loop ends the stream", async () => {
    const events = client.events();
    server.notify("messageDelta", delta("a"));
    server.notify("workspaceClosed", { workspaceId: "w" });
    const heard: string[] = [];
    for await (const event of events) {
      heard.push(event.method);
      if (event.method === "workspaceClosed") break;
    }
    expect(heard).toEqual(["messageDelta", "workspaceClosed"]);
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it("that a slow reader leaves are dropped, oldest first, and counted", async () => {
    const events = client.events({ limit: 2 });
    for (const text of ["a", "b", "c", "d"]) server.notify("messageDelta", delta(text));
    await client.api.ping();
    const read: (LossyEvent | undefined)[] = [];
    for (let n = 0; n < 3; n++) read.push((await events.next()).value);
    expect(read).toMatchObject([
      { method: "eventsDropped", params: { count: 2 } },
      { params: { delta: "c" } },
      { params: { delta: "d" } },
    ]);
  });

  it("end with the client, and with the signal of their stream", async () => {
    const controller = new AbortController();
    const aborted = client.events({ signal: controller.signal }).next();
    const closed = client.events().next();
    controller.abort();
    expect((await aborted).done).toBe(true);
    await client.close();
    expect((await closed).done).toBe(true);
  });

  it("of a name that is not known are ignored", async () => {
    server.notify("somethingNew", { a: 1 });
    expect(await client.api.ping()).toEqual({});
  });

  it("whose handler throws are reported, and reach the others", async () => {
    const errors: unknown[] = [];
    const other = new FakeServer();
    const careful = await TurnwireClient.attach({
      streams: other.connect,
      onError: (error) => errors.push(error),
    });
    const bad = new Error("bad handler");
    const heard: string[] = [];
    careful.on("workspaceClosed", () => {
      throw bad;
    });
    careful.on("workspaceClosed", ({ workspaceId }) => heard.push(workspaceId));
    other.notify("workspaceClosed", { workspaceId: "w" });
    await careful.api.ping();
    expect({ errors, heard }).toEqual({ errors: [bad], heard: ["w"] });
    await careful.close();
  });
});

describe("a permission question", () => {
  const question = { permissionId: "p", workspaceId: "w", sessionId: "s", tool: "bash" };

  it("is denied where nobody can be asked", async () => {
    const { answer } = server.ask("requestPermission", question);
    expect(await answer).toMatchObject({ decision: "deny" });
  });

  it("is answered by the handler", async () => {
    client.onPermission(({ tool }) => ({ decision: tool === "bash" ? "allow" : "deny" }));
    expect(await server.ask("requestPermission", question).answer).toEqual({ decision: "allow" });
  });

  it("is denied where the handler throws, and the error is reported", async () => {
    const errors: unknown[] = [];
    const other = new FakeServer();
    const broken = new Error("no terminal");
    const careful = await TurnwireClient.attach({
      streams: other.connect,
      onError: (error) => errors.push(error),
      onPermission: () => Promise.reject(broken),
    });
    expect(await other.ask("requestPermission", question).answer).toMatchObject({
      decision: "deny",
    });
    expect(errors).toEqual([broken]);
    await careful.close();
  });

  it("that is withdrawn aborts the handler's signal", async () => {
    const withdrawn = new Deferred<void>();
    client.onPermission((_, { signal }) => {
      signal.addEventListener("abort", () => withdrawn.resolve());
      return withdrawn.promise.then(() => ({ decision: "deny" }));
    });
    const { id } = server.ask("requestPermission", question);
    await client.api.ping();
    server.notify("$/cancelRequest", { id });
    await withdrawn.promise;
  });
});

describe("what a tool server wants to know", () => {
  const { params: request } = requestInput.example;
  let server: FakeServer;
  let client: TurnwireClient;
  let errors: unknown[];
  beforeEach(async () => {
    server = new FakeServer();
    errors = [];
    const onError = (error: unknown) => void errors.push(error);
    client = await TurnwireClient.attach({ streams: server.connect, onError });
  });
  afterEach(() => client.close());

  it("is declined where nobody can be asked", async () => {
    expect(server.received[0]?.params).toMatchObject({ capabilities: { requestInput: true } });
    expect(await server.ask("requestInput", request).answer).toEqual({ action: "decline" });
  });

  it("is answered by the handler", async () => {
    client.onInput(({ message, schema }) => {
      expect({ message, schema }).toMatchObject({ message: request.message });
      return { action: "accept", content: { edition: "second" } };
    });
    expect(await server.ask("requestInput", request).answer).toEqual({
      action: "accept",
      content: { edition: "second" },
    });
  });

  it("is declined where the handler throws, and the error is reported", async () => {
    const broken = new Error("no window");
    client.onInput(() => Promise.reject(broken));
    expect(await server.ask("requestInput", request).answer).toEqual({ action: "decline" });
    expect(errors).toEqual([broken]);
  });

  it("that is withdrawn aborts the handler's signal", async () => {
    const withdrawn = new Deferred<void>();
    client.onInput((_, { signal }) => {
      signal.addEventListener("abort", () => withdrawn.resolve());
      return withdrawn.promise.then(() => ({ action: "cancel" }));
    });
    const { id } = server.ask("requestInput", request);
    await client.api.ping();
    server.notify("$/cancelRequest", { id });
    await withdrawn.promise;
  });

  it("is not offered by a client that says so", async () => {
    const other = new FakeServer();
    const streams = other.connect;
    const silent = await TurnwireClient.attach({ streams, requestInput: false });
    expect(other.received[0]?.params).toMatchObject({ capabilities: { requestInput: false } });
    await silent.close();
  });
});

describe("closing", () => {
  it("says shutdown and exit, and closes the streams", async () => {
    await client.close();
    expect(server.received.slice(-2).map(({ method }) => method)).toEqual(["shutdown", "exit"]);
  });

  it("twice is harmless, and what comes after is refused", async () => {
    await Promise.all([client.close(), client.close()]);
    expect(server.requests("shutdown")).toHaveLength(1);
    await expect(client.api.ping()).rejects.toBeInstanceOf(ConnectionLostError);
    await expect(
      client.run({ workspaceId: "w", sessionId: "s", prompt: "p" }),
    ).rejects.toBeInstanceOf(ConnectionLostError);
  });

  it("does not wait for ever for a server that does not answer", async () => {
    const other = new FakeServer();
    other.handlers.shutdown = () => new Promise(() => {});
    const patient = await TurnwireClient.attach({ streams: other.connect, closeTimeoutMs: 1 });
    await patient.close();
    expect(other.requests("exit")).toHaveLength(1);
  });

  it("rejects whoever waits for a run", async () => {
    const run = client.run({ workspaceId: "w", sessionId: "s", prompt: "p" });
    const outcome = expect(run).rejects.toBeInstanceOf(ConnectionLostError);
    await server.arrival("sendMessage");
    await client.close();
    await outcome;
  });
});
