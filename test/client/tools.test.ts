import { afterEach, describe, expect, it } from "vitest";
import { type OwnTool, TurnwireClient } from "../../src/client/index.js";
import { FakeError, FakeServer } from "./fakeServer.js";

let client: TurnwireClient;
afterEach(() => client.close());

const find: OwnTool = {
  name: "find",
  description: "Finds.",
  inputSchema: {},
  execute: ({ query }) => `found ${query}`,
};

const call = (name: string) => ({
  workspaceId: "w",
  sessionId: "s",
  toolCallId: "t",
  name,
  input: { query: "it" },
});

async function connect(tools: readonly OwnTool[]) {
  const server = new FakeServer();
  server.handlers.setTools = () => ({});
  client = await TurnwireClient.attach({ streams: server.connect, clientId: "me", tools });
  return server;
}

describe("the tools of a client", () => {
  it("are told to the server without their functions", async () => {
    const server = await connect([find]);
    const { execute: _, ...definition } = find;
    expect(server.requests("setTools").map(({ params }) => params)).toEqual([
      { tools: [definition] },
    ]);
  });

  it("are not spoken of where there are none", async () => {
    expect((await connect([])).requests("setTools")).toEqual([]);
  });

  it("are told again to the server that replaces a lost one", async () => {
    const server = await connect([]);
    await client.setTools([find]);
    server.die();
    // The loss is noticed by whoever asks next.
    await client.api.ping().catch(() => {});
    await client.reconnect();
    expect(server.requests("setTools")).toHaveLength(2);
    expect(await server.ask("callTool", call("find")).answer).toEqual({ output: "found it" });
  });

  it("answer with what they return, or with what they throw", async () => {
    const server = await connect([
      find,
      { ...find, name: "whole", execute: async () => ({ output: "x", isError: true }) },
      {
        ...find,
        name: "broken",
        execute: () => {
          throw new Error("no index");
        },
      },
    ]);
    expect(await server.ask("callTool", call("find")).answer).toEqual({ output: "found it" });
    expect(await server.ask("callTool", call("whole")).answer).toEqual({
      output: "x",
      isError: true,
    });
    expect(await server.ask("callTool", call("broken")).answer).toEqual({
      output: "The tool failed: no index",
      isError: true,
    });
    expect(await server.ask("callTool", call("other")).answer).toMatchObject({ isError: true });
  });

  it("stay as they were where the server refuses the new ones", async () => {
    const server = await connect([find]);
    server.handlers.setTools = () => {
      throw new FakeError(-32602, "bad", { name: "InvalidParams", retryable: false });
    };
    await expect(client.setTools([])).rejects.toThrow("bad");
    expect(await server.ask("callTool", call("find")).answer).toEqual({ output: "found it" });
  });
});
