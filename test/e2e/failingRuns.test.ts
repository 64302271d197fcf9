// protocol.md sections 4 and 5: runs that are accepted and fail before their turn begins.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { reply, startLoopbackProvider } from "../helpers/loopbackProvider.js";
import { Gate, type LoopbackServer, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

let loopback: LoopbackServer;
let server: ServerProcess;
let good: string;
beforeAll(async () => {
  loopback = await startLoopbackServer();
  server = loopback.server;
  good = readFileSync(loopback.configFile, "utf8");
});
afterEach(() => writeFileSync(loopback.configFile, good));
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

/** What makes every turn fail before it begins, and how that is told. */
const breakages: [string, () => void, string, string][] = [
  [
    "its configuration is no JSON",
    () => writeFileSync(loopback.configFile, '{ "providers": '),
    "ConfigInvalid",
    "config.json",
  ],
  [
    "its configuration has a wrong field",
    () => writeFileSync(loopback.configFile, '{ "limits": { "maxSteps": "many" } }'),
    "ConfigInvalid",
    "limits.maxSteps",
  ],
  [
    "its model is gone from the configuration",
    () => writeFileSync(loopback.configFile, good.replace('"id":"loop-1"', '"id":"loop-2"')),
    "ModelNotConfigured",
    "loopback/loop-1",
  ],
];

describe.each(breakages)("a run that is accepted after %s", (_, breakIt, name, words) => {
  it("with a `runId` has `agentError` and one failed completion, and later runs are well", async () => {
    const session = await openSession(server);
    const { workspaceId, sessionId } = session;
    breakIt();
    const runId = `named-${name}-${words}`;
    expect(await session.send("hello", runId)).toEqual({ runId, state: "accepted" });
    const completion = await server.completion(runId);
    expect(completion).toMatchObject({
      status: "failed",
      cancelled: false,
      errorName: name,
      cause: "internal",
      text: "",
      error: expect.stringContaining(words),
    });
    expect(server.events("agentError", { sessionId })).toEqual([
      { workspaceId, sessionId, runId, message: completion.error, name },
    ]);
    writeFileSync(loopback.configFile, good);
    expect(await session.run("hello", `${runId}-again`)).toMatchObject({ status: "succeeded" });
    expect(server.events("runComplete", { runId })).toHaveLength(1);
  });

  it("without a `runId` has `agentError` alone", async () => {
    const session = await openSession(server);
    const { sessionId } = session;
    breakIt();
    await session.send("hello");
    expect(await server.event("agentError", { sessionId })).toMatchObject({ name });
    writeFileSync(loopback.configFile, good);
    await session.run("hello", `unnamed-${name}-${words}`);
    expect(server.events("runComplete", { sessionId })).toHaveLength(1);
  });

  it("hands over: every queued run has its own error and its own completion, in order", async () => {
    const session = await openSession(server);
    const { sessionId } = session;
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened).text("well"));
    const ids = [1, 2, 3].map((index) => `${index}-${name}-${words}`);
    await session.send("hello", ids[0]);
    await gate.reached();
    await session.send("second", ids[1]);
    await session.send("third", ids[2]);
    breakIt();
    gate.open();
    await server.completion(ids[2] ?? "");
    const told = server.events("runComplete", { sessionId });
    expect(told.map(({ runId, status }) => [runId, status])).toEqual([
      [ids[0], "succeeded"],
      [ids[1], "failed"],
      [ids[2], "failed"],
    ]);
    const errors = server.events("agentError", { sessionId });
    expect(errors.map(({ runId }) => runId)).toEqual([ids[1], ids[2]]);
    expect(await server.call("getSession", session.ids)).toMatchObject({
      isBusy: false,
      queuedPrompts: 0,
    });
  });
});

it("the next run takes the model that the file names by then", async () => {
  const session = await openSession(server);
  writeFileSync(loopback.configFile, good.replaceAll('"loop-1"', '"loop-2"'));
  expect(await session.run("hello", "follows")).toMatchObject({ status: "succeeded" });
  expect(loopback.provider.turnRequests.at(-1)?.body).toMatchObject({ model: "loop-2" });
});

it("a model that was chosen by hand fails the next run once the file has it no more", async () => {
  const session = await openSession(server);
  const { workspaceId } = session;
  const model = { provider: "loopback", model: "loop-1" };
  await server.call("setModel", { workspaceId, modelType: "large", model });
  writeFileSync(loopback.configFile, good.replaceAll('"loop-1"', '"loop-2"'));
  expect(await session.run("hello", "by hand")).toMatchObject({
    status: "failed",
    errorName: "ModelNotConfigured",
    cause: "internal",
    error: expect.stringContaining("loopback/loop-1"),
  });
});

it("a turn that runs keeps the model it began with", async () => {
  const session = await openSession(server);
  const gate = new Gate(loopback.provider);
  loopback.provider.enqueue(reply().gate(gate.opened).toolCall("ls", {}), reply().text("well"));
  await session.send("hello", "keeps");
  await gate.reached();
  writeFileSync(loopback.configFile, "{ nonsense");
  gate.open();
  expect(await server.completion("keeps")).toMatchObject({ status: "succeeded", text: "well" });
});

it("a turn whose provider is not there fails as one that began: with its messages", async () => {
  const session = await openSession(server);
  const other = await startLoopbackProvider();
  const { port } = other;
  await other.close();
  const gone = good.replaceAll(`:${loopback.provider.port}/`, `:${port}/`);
  writeFileSync(loopback.configFile, gone);
  const completion = await session.run("hello", "gone");
  expect(completion).toMatchObject({ status: "failed", errorName: "ProviderUnreachable" });
  expect(completion.error).toContain(`127.0.0.1:${port}`);
  expect((await session.messages()).map(({ role }) => role)).toEqual(["user", "assistant"]);
  expect(server.events("agentError", { runId: "gone" })).toHaveLength(1);
});
