// protocol.md section 4: the bounds of a run, over HTTP.
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import {
  type LoopbackServer,
  startLoopbackServer,
  turnRequest,
} from "../helpers/loopbackServer.js";
import { endServers, type ServerProcess } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

const key = "sk-loopback-0123456789abcdef";
let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  loopback = await startLoopbackServer({
    config: { limits: { maxSteps: 6, providerIdleSeconds: 2.5, maxDenials: 3, toolSeconds: 600 } },
    env: { LOOPBACK_KEY: key },
    args: ["--log-level", "trace"],
  });
  const config = JSON.parse(readFileSync(loopback.configFile, "utf8"));
  config.providers.loopback.apiKey = "$LOOPBACK_KEY";
  writeFileSync(loopback.configFile, JSON.stringify(config));
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

/** Every text that was streamed and kept of a run's last message. */
async function textsOf(session: WireSession): Promise<string[]> {
  const last = (await session.messages()).at(-1);
  return last?.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])) ?? [];
}

describe("what can be tried again is", () => {
  it("after 429, not before `retry-after` has passed", async () => {
    const session = await openSession(server);
    const first = loopback.provider.turnRequests.length;
    loopback.provider.enqueue(
      errorReply(429, "slow down", { headers: { "retry-after": "1" } }),
      reply().text("well"),
    );
    const begun = Date.now();
    expect(await session.run("hello", "retry-429")).toMatchObject({
      status: "succeeded",
      text: "well",
    });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(1000);
    expect(loopback.provider.turnRequests).toHaveLength(first + 2);
    expect(server.events("agentError", { runId: "retry-429" })).toEqual([]);
  });

  it("after 500, 503 and 529 in a row", async () => {
    const session = await openSession(server);
    const headers = { "retry-after-ms": "10" };
    loopback.provider.enqueue(
      ...[500, 503, 529].map((status) => errorReply(status, "trouble", { headers })),
      reply().text("well"),
    );
    expect(await session.run("hello", "retry-500")).toMatchObject({ text: "well" });
  });

  it("after a stream that was cut, and nothing is there twice", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(
      reply().reasoning("hm").text("Once upon ").cut(),
      reply().text("Once upon ", "a time").withoutFinish(),
      reply().text("Once upon ", "a time."),
    );
    expect(await session.run("hello", "retry-cut")).toMatchObject({
      status: "succeeded",
      text: "Once upon a time.",
    });
    expect(await textsOf(session)).toEqual(["Once upon a time."]);
    expect((await session.messages()).map(({ role }) => role)).toEqual(["user", "assistant"]);
  });

  it("but not for ever: then the turn fails, with the provider's own words", async () => {
    const session = await openSession(server);
    const headers = { "retry-after-ms": "5" };
    const first = loopback.provider.turnRequests.length;
    loopback.provider.byDefault(() => errorReply(503, "the hamster sleeps", { headers }));
    const completion = await session.run("hello", "retry-out");
    loopback.provider.byDefault(() => reply().text("ok"));
    expect(completion).toMatchObject({
      status: "failed",
      errorName: "ProviderOverloaded",
      cause: "provider",
      error: expect.stringContaining("the hamster sleeps"),
    });
    const tries = loopback.provider.turnRequests.length - first;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(20);
  });
});

describe("what cannot is told at once", () => {
  it("401 names the variable of the key, and never the key, not even in the log", async () => {
    const session = await openSession(server);
    const first = loopback.provider.turnRequests.length;
    loopback.provider.byDefault(() => errorReply(401, `Incorrect API key provided: ${key}`));
    const completion = await session.run("hello", "auth-1");
    loopback.provider.byDefault(() => reply().text("ok"));
    expect(loopback.provider.turnRequests).toHaveLength(first + 1);
    const { headers } = await turnRequest(loopback.provider, first);
    expect(headers.authorization).toBe(`Bearer ${key}`);
    expect(completion).toMatchObject({ status: "failed", errorName: "ProviderAuth" });
    expect(completion.error).toContain("LOOPBACK_KEY");
    expect(server.texts.join("\n")).not.toContain(key);
    expect(server.stderr).not.toContain(key);
  });

  it("400 says what the provider said", async () => {
    const session = await openSession(server);
    loopback.provider.byDefault(() => errorReply(400, "the tools are not to my taste"));
    expect(await session.run("hello", "bad-1")).toMatchObject({
      status: "failed",
      errorName: "ProviderError",
      cause: "provider",
      error: expect.stringContaining("not to my taste"),
    });
    loopback.provider.byDefault(() => reply().text("ok"));
    const last = (await session.messages()).at(-1);
    expect(last?.parts).toMatchObject([{ type: "finish", reason: "error" }]);
  });
});

describe("the end of patience", () => {
  it("with a model that sends nothing is `ProviderTimeout`", async () => {
    const session = await openSession(server);
    loopback.provider.byDefault(() => reply().silence());
    expect(await session.run("hello", "idle-1")).toMatchObject({
      status: "failed",
      errorName: "ProviderTimeout",
      cancelled: false,
      text: "",
    });
    loopback.provider.byDefault(() => reply().text("ok"));
  });

  it("with one that falls silent keeps what it had said", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().text("so far").silence());
    expect(await session.run("hello", "idle-2")).toMatchObject({
      status: "failed",
      errorName: "ProviderTimeout",
      text: "so far",
    });
  });

  it("with one that wants another call after `limits.maxSteps` is `StepLimit`", async () => {
    const session = await openSession(server);
    const first = loopback.provider.turnRequests.length;
    let count = 0;
    loopback.provider.byDefault(() => reply().toolCall("glob", { pattern: `*.${++count}` }));
    expect(await session.run("hello", "steps-1")).toMatchObject({
      status: "failed",
      errorName: "StepLimit",
      cause: "limit",
      error: expect.stringContaining("6"),
    });
    loopback.provider.byDefault(() => reply().text("ok"));
    expect(loopback.provider.turnRequests).toHaveLength(first + 6);
  });

  it("counts the calls of its sub-tasks among `limits.maxSteps`", async () => {
    const session = await openSession(server);
    const first = loopback.provider.turnRequests.length;
    let count = 0;
    loopback.provider.byDefault(() => {
      const { tools = [] } = loopback.provider.turnRequests.at(-1)?.body ?? {};
      const isTask = !tools.some((tool) => tool.function.name === "task");
      count++;
      return isTask && count % 3 !== 0
        ? reply().toolCall("glob", { pattern: `*.${count}` })
        : isTask
          ? reply().text("nothing there")
          : reply().toolCall("task", { description: "look", prompt: `Look ${count}.` });
    });
    expect(await session.run("hello", "steps-2")).toMatchObject({
      status: "failed",
      errorName: "StepLimit",
      cause: "limit",
    });
    loopback.provider.byDefault(() => reply().text("ok"));
    expect(loopback.provider.turnRequests).toHaveLength(first + 6);
  });

  it("with one that calls the same tool over and over is `ToolLoop`", async () => {
    const session = await openSession(server);
    loopback.provider.byDefault(() => reply().toolCall("ls", { path: "." }));
    expect(await session.run("hello", "loop-1")).toMatchObject({
      status: "failed",
      errorName: "ToolLoop",
      cause: "limit",
    });
    loopback.provider.byDefault(() => reply().text("ok"));
  });

  it("with `limits.maxDenials` denied permissions in a row is `PermissionDenied`", async () => {
    const session = await openSession(server, { permissionMode: "deny" });
    let count = 0;
    loopback.provider.byDefault(() => reply().toolCall("bash", { command: `echo ${++count}` }));
    expect(await session.run("hello", "denied-1")).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
      cause: "limit",
    });
    loopback.provider.byDefault(() => reply().text("ok"));
    expect(count).toBe(3);
  });

  it("fails one turn, and the next one is well", async () => {
    const session = await openSession(server);
    loopback.provider.enqueue(reply().silence());
    await session.send("hello", "next-1");
    await session.send("hello again", "next-2");
    expect(await server.completion("next-2")).toMatchObject({ status: "succeeded", text: "ok" });
    expect(await server.completion("next-1")).toMatchObject({ status: "failed" });
  });
});

it("a reply that reached its most tokens says so and is no failure", async () => {
  const session = await openSession(server);
  loopback.provider.enqueue(reply().text("cut sho").finish("length"));
  expect(await session.run("hello", "length-1")).toMatchObject({ status: "succeeded" });
  const last = (await session.messages()).at(-1);
  expect(last?.parts.at(-1)).toMatchObject({ type: "finish", reason: "maxTokens" });
});

it("a reply that was filtered fails the turn", async () => {
  const session = await openSession(server);
  loopback.provider.enqueue(reply().text("I will").finish("content_filter"));
  expect(await session.run("hello", "filter-1")).toMatchObject({ status: "failed" });
  const last = (await session.messages()).at(-1);
  expect(last?.parts.at(-1)).toMatchObject({ type: "finish", reason: "contentFilter" });
});
