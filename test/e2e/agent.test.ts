// protocol.md section 4: the agent of a workspace and its models.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
} from "../helpers/loopbackServer.js";
import { endServers, makeFolder, type ServerProcess } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
let good: string;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
  const config = JSON.parse(readFileSync(loopback.configFile, "utf8"));
  const { loopback: provider } = config.providers;
  provider.models = [
    {
      id: "big",
      name: "The big one",
      contextWindow: 100_000,
      canReason: true,
      costPerMillionInput: 1,
    },
    { id: "small", supportsImages: true, defaultMaxTokens: 77 },
  ];
  provider.defaultLargeModel = "big";
  provider.defaultSmallModel = "small";
  config.models = { large: { provider: "loopback", model: "big" } };
  good = JSON.stringify(config);
  writeFileSync(loopback.configFile, good);
});
afterEach(() => writeFileSync(loopback.configFile, good));
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

async function openWorkspace(): Promise<string> {
  return (await server.call("createWorkspace", { path: makeFolder() })).id;
}

describe("initAgent", () => {
  it("makes the agent ready, and a second time changes nothing", async () => {
    const workspaceId = await openWorkspace();
    const before = await server.call("getAgentInfo", { workspaceId });
    expect(before).toEqual({ isReady: false, isBusy: false, engine: before.engine });
    const info = await server.call("initAgent", { workspaceId });
    expect(info).toEqual({
      isReady: true,
      isBusy: false,
      engine: before.engine,
      model: {
        id: "big",
        provider: "loopback",
        name: "The big one",
        contextWindow: 100_000,
        canReason: true,
        supportsImages: false,
        costPerMillionInput: 1,
      },
      modelConfig: { provider: "loopback", model: "big" },
      sandbox: { requested: "off", enforced: false },
    });
    writeFileSync(loopback.configFile, "{}");
    expect(await server.call("initAgent", { workspaceId })).toEqual(info);
    expect(await server.call("getAgentInfo", { workspaceId })).toEqual(info);
  });

  it("names file and field of a configuration that is wrong, and can be tried again", async () => {
    const workspaceId = await openWorkspace();
    writeFileSync(loopback.configFile, '{ "limits": { "maxStep": 3 } }');
    const error = await server.fail("initAgent", { workspaceId });
    expect(error).toMatchObject({ code: 1019, data: { name: "ConfigInvalid", retryable: false } });
    expect(error.message).toContain(loopback.configFile);
    expect(error.message).toContain("limits.maxStep");
    writeFileSync(loopback.configFile, good);
    expect(await server.call("initAgent", { workspaceId })).toMatchObject({ isReady: true });
  });

  it("says at once that the chosen model is not configured", async () => {
    const workspaceId = await openWorkspace();
    for (const model of [
      { provider: "nowhere", model: "big" },
      { provider: "loopback", model: "huge" },
    ]) {
      writeFileSync(
        loopback.configFile,
        JSON.stringify({ ...JSON.parse(good), models: { large: model } }),
      );
      expect(await server.fail("initAgent", { workspaceId })).toMatchObject({
        code: 1012,
        data: { name: "ModelNotConfigured", ...model },
      });
    }
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({ isReady: false });
  });
});

describe("updateAgent", () => {
  it("reads the configuration again; a turn that runs keeps the model it began with", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const { provider } = loopback;
    const gate = new Gate(provider);
    const first = provider.turnRequests.length;
    provider.enqueue(reply().gate(gate.opened).toolCall("ls", {}));
    await session.send("hello", "update-1");
    await gate.reached();
    const large = { provider: "loopback", model: "small" };
    writeFileSync(loopback.configFile, JSON.stringify({ ...JSON.parse(good), models: { large } }));
    expect(await server.call("updateAgent", { workspaceId })).toMatchObject({
      isBusy: true,
      modelConfig: large,
      model: { id: "small" },
    });
    gate.open();
    await server.completion("update-1");
    await session.run("again", "update-2");
    const models = provider.turnRequests.slice(first).map(({ body }) => body.model);
    expect(models).toEqual(["big", "big", "small"]);
  });

  it("of a configuration that is wrong keeps the old choice", async () => {
    const workspaceId = await openWorkspace();
    const info = await server.call("initAgent", { workspaceId });
    writeFileSync(loopback.configFile, "[]");
    expect(await server.failure("updateAgent", { workspaceId })).toBe("ConfigInvalid");
    expect(await server.call("getAgentInfo", { workspaceId })).toEqual(info);
  });

  it("makes an agent ready that was not", async () => {
    const workspaceId = await openWorkspace();
    expect(await server.call("updateAgent", { workspaceId })).toMatchObject({ isReady: true });
  });
});

describe("setModel", () => {
  it("chooses for the turns that begin from now on, with its settings", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const model = {
      provider: "loopback",
      model: "small",
      maxTokens: 12,
      temperature: 0.5,
      topP: 0.9,
    };
    expect(await server.call("setModel", { workspaceId, modelType: "large", model })).toMatchObject(
      {
        model: { id: "small" },
        modelConfig: model,
      },
    );
    const first = loopback.provider.turnRequests.length;
    await session.run("hello", "set-1");
    const { body } = await turnRequest(loopback.provider, first);
    expect(body).toMatchObject({ model: "small", max_tokens: 12, temperature: 0.5, top_p: 0.9 });
    expect((await session.messages()).at(-1)).toMatchObject({ model: "small" });
  });

  it("of the small model leaves the large one", async () => {
    const session = await openSession(server, { title: "" });
    const { workspaceId } = session;
    const model = { provider: "loopback", model: "big" };
    expect(await server.call("setModel", { workspaceId, modelType: "small", model })).toMatchObject(
      {
        modelConfig: { model: "big" },
      },
    );
    await session.run("hello", "set-2");
    const titles = () => loopback.provider.requests.filter(({ purpose }) => purpose === "title");
    await expect.poll(() => titles().at(-1)?.body.model).toBe("big");
  });

  it("of what is not configured is refused, as is one without an agent", async () => {
    const workspaceId = await openWorkspace();
    const set = (provider: string, model: string) =>
      server.failure("setModel", { workspaceId, modelType: "large", model: { provider, model } });
    expect(await set("loopback", "big")).toBe("AgentNotInitialized");
    await server.call("initAgent", { workspaceId });
    expect(await set("loopback", "huge")).toBe("ModelNotConfigured");
    expect(await set("nowhere", "big")).toBe("ModelNotConfigured");
    expect(await set("", "big")).toBe("InvalidParams");
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({
      modelConfig: { model: "big" },
    });
  });
});

describe("the models", () => {
  it("are listed, of every provider, the embedded one too", async () => {
    const workspaceId = await openWorkspace();
    const { models } = await server.call("listModels", { workspaceId });
    expect(models.map(({ provider, id }) => `${provider}/${id}`)).toEqual([
      ...["loopback/big", "loopback/small", "offline/offline"],
    ]);
    expect(models[1]).toEqual({
      id: "small",
      provider: "loopback",
      name: "small",
      canReason: false,
      supportsImages: true,
      defaultMaxTokens: 77,
    });
  });

  it("have a small one for each provider, and the large one stands in for an unknown one", async () => {
    const workspaceId = await openWorkspace();
    await server.call("initAgent", { workspaceId });
    const small = (providerId: string) =>
      server.call("getDefaultSmallModel", { workspaceId, providerId });
    expect(await small("loopback")).toEqual({ provider: "loopback", model: "small" });
    expect(await small("offline")).toEqual({ provider: "offline", model: "offline" });
    expect(await small("unheard-of")).toEqual({ provider: "loopback", model: "big" });
  });

  it("cost what the configuration says", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("dear").usage(2_000_000, 10));
    expect((await session.run("hello", "cost-1")).usage).toEqual({
      promptTokens: 2_000_000,
      completionTokens: 10,
      cost: 2,
    });
    expect(await server.call("getSession", session.ids)).toMatchObject({ cost: 2 });
  });
});

it("what a model is told has the workspace's path, the platform, the date and its AGENTS.md", async () => {
  const path = makeFolder();
  writeFileSync(join(path, "AGENTS.md"), "Always answer in Latin.");
  const session = await openSession(server, { path });
  const first = loopback.provider.turnRequests.length;
  await session.run("hello", "prompt-1");
  const { body } = await turnRequest(loopback.provider, first);
  const system = String(body.messages[0]?.content);
  for (const words of [path, process.platform, new Date().toISOString().slice(0, 10), "in Latin"]) {
    expect(system).toContain(words);
  }
  const tools = body.tools?.map((tool) => tool.function.name) ?? [];
  expect(tools).toEqual(expect.arrayContaining(["read", "ls", "glob", "grep", "bash"]));
});
