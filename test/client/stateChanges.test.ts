import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { type ClientState, TurnwireClient } from "../../src/client/index.js";
import { FakeServer } from "./fakeServer.js";

const clients: TurnwireClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

async function attached(server: FakeServer, states: ClientState[], more: object = {}) {
  const onStateChange = (state: ClientState) => {
    states.push(state);
  };
  const client = await TurnwireClient.attach({ streams: server.connect, onStateChange, ...more });
  clients.push(client);
  return client;
}

describe("the state of a client", () => {
  it("goes from starting to connected, and is gone when it is closed", async () => {
    const states: ClientState[] = [];
    const client = await attached(new FakeServer(), states);
    expect(states).toEqual(["starting", "connected"]);
    expect(client.state).toBe("connected");
    await client.close();
    expect(states).toEqual(["starting", "connected", "gone"]);
    expect(client.state).toBe("gone");
  });

  it("is restarting while a server that is needed is replaced", async () => {
    const server = new FakeServer();
    const states: ClientState[] = [];
    const client = await attached(server, states);
    const { id: workspaceId } = await client.api.createWorkspace({ path: "/w" });
    const run = client.run({ workspaceId, sessionId: "s", prompt: "Go on.", runId: "r" });
    await server.arrival("sendMessage");
    server.die();
    await server.arrival("sendMessage", 2);
    server.complete("r", { workspaceId });
    await run;
    expect(states).toEqual(["starting", "connected", "restarting", "connected"]);
  });

  it("is gone where the server was lost and nobody needs it, until somebody does", async () => {
    const server = new FakeServer();
    const states: ClientState[] = [];
    const client = await attached(server, states);
    const isGone = new Promise<unknown>((resolve) => {
      client.onStateChange((state, error) => state === "gone" && resolve(error));
    });
    server.die();
    expect(await isGone).toMatchObject({ name: "ConnectionLost" });
    await client.api.ping();
    expect(states).toEqual(["starting", "connected", "gone", "restarting", "connected"]);
  });

  it("is gone where there never was a server", async () => {
    const states: ClientState[] = [];
    const streams = () => {
      const input = new PassThrough();
      input.end();
      return { input, output: new PassThrough() };
    };
    const attaching = TurnwireClient.attach({
      streams,
      onStateChange: (state) => states.push(state),
    });
    await expect(attaching).rejects.toMatchObject({ name: "ConnectionLost" });
    expect(states).toEqual(["starting", "gone"]);
  });

  it("is told to nobody who has stopped listening, in each of three ways", async () => {
    const states: ClientState[] = [];
    const client = await attached(new FakeServer(), []);
    const listen = () => client.onStateChange((state) => states.push(state));
    listen()();
    listen().dispose();
    listen()[Symbol.dispose]();
    await client.close();
    expect(states).toEqual([]);
  });
});

describe("a handler that throws", () => {
  it("is a warning where no `onError` hears of it, and stops nothing", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const server = new FakeServer();
    const states: ClientState[] = [];
    const client = await attached(server, states);
    client.onStateChange(() => {
      throw new Error("a broken status bar");
    });
    const seen: string[] = [];
    client.on("sessionDeleted", () => {
      throw new Error("a broken list");
    });
    client.on("sessionDeleted", ({ sessionId }) => seen.push(sessionId));
    server.notify("sessionDeleted", { workspaceId: "w", sessionId: "s" });
    await client.api.ping();
    expect(seen).toEqual(["s"]);
    await client.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(({ message }) => message)).toEqual([
      "a broken list",
      "a broken status bar",
    ]);
  });
});

describe("options that there are not", () => {
  it("are refused by name", async () => {
    const misspelt: object = { comand: "turnwire", dataDirectory: "/data" };
    await expect(TurnwireClient.spawn(misspelt)).rejects.toThrow(
      "`TurnwireClient.spawn` has no option `comand`, `dataDirectory`",
    );
    const streams = { input: new PassThrough(), output: new PassThrough() };
    const options = { streams, timeout: 5 };
    await expect(TurnwireClient.attach(options)).rejects.toThrow(
      "`TurnwireClient.attach` has no option `timeout`",
    );
  });
});

describe("`await using`", () => {
  it("closes the client", async () => {
    const client = await attached(new FakeServer(), []);
    await client[Symbol.asyncDispose]();
    expect(client.state).toBe("gone");
  });
});
