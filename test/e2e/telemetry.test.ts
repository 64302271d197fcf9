// What the built server tells a collector of its work (docs/telemetry.md).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { type CollectedSpan, type Collector, startCollector } from "../helpers/collector.js";
import { conventionFaults } from "../helpers/conventionFaults.js";
import { collectedFrom, type Told } from "../helpers/hostTold.js";
import { errorReply, reply } from "../helpers/loopbackProvider.js";
import { Gate, startLoopbackServer } from "../helpers/loopbackServer.js";
import { endServers, makeFolder, startServer } from "../helpers/serverProcess.js";
import { openSession } from "../helpers/wireSession.js";

afterAll(endServers);

/** What the tests have opened. They run side by side, so it is closed when all are over. */
const opened: (() => unknown)[] = [];
/** What is wrong with what all collectors have got, by the conventions. */
const faults: string[] = [];
afterAll(async () => {
  for (const close of opened) await close();
  expect(faults).toEqual([]);
});

const often = { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_METRIC_EXPORT_INTERVAL: "50" };

/** A server that tells a collector, and a session in it. */
async function start(env: Readonly<Record<string, string>> = {}, port = 0) {
  const collector = await startCollector(port);
  const hasContents = env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT === "true";
  opened.push(() => faults.push(...conventionFaults(collector, { hasContents })));
  opened.push(() => collector.close());
  const loopback = await startLoopbackServer({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...often, ...env },
  });
  opened.push(() => loopback.provider.close());
  const path = makeFolder();
  writeFileSync(join(path, "a.txt"), "needle\n");
  const session = await openSession(loopback.server, { path });
  return { ...loopback, collector, path, session };
}

/** The spans of a trace, once the one of the run has come. */
async function traceOf(collector: Collector, runId: string) {
  const run = await collector.span("invoke_agent", { "turnwire.run.id": runId });
  const inTrace = () => collector.spans.filter(({ traceId }) => traceId === run.traceId);
  return { run, inTrace };
}

const isRoot = (span: CollectedSpan) => span.parentSpanId === undefined;
const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const traceId = "0af7651916cd43dd8448eb211c80319c";

describe.concurrent("a run", () => {
  it("is a span with its calls inside, and its delivery is linked to it", async () => {
    const { provider, collector, session } = await start();
    provider.enqueue(
      reply().toolCall("read", { path: "a.txt" }, { id: "c1" }).usage(100, 10),
      reply().text("It says needle.").usage(200, 20),
    );
    await session.run("Read a.txt.", "run-1");
    const { run, inTrace } = await traceOf(collector, "run-1");
    expect(run).toMatchObject({ kind: 1, status: {} });
    expect(isRoot(run)).toBe(true);
    expect(run.attributes).toMatchObject({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.conversation.id": session.sessionId,
      "gen_ai.provider.name": "loopback",
      "gen_ai.usage.input_tokens": 300,
      "gen_ai.usage.output_tokens": 30,
      "turnwire.workspace.id": session.workspaceId,
      "turnwire.run.status": "succeeded",
    });
    const model = run.attributes["gen_ai.request.model"];
    const turns = inTrace().filter(({ attributes }) => attributes["turnwire.purpose"] === "turn");
    expect(turns).toHaveLength(2);
    for (const chat of turns) {
      expect(chat).toMatchObject({ name: `chat ${model}`, kind: 3, parentSpanId: run.spanId });
    }
    expect(turns.map(({ attributes }) => attributes["gen_ai.response.finish_reasons"])).toEqual([
      ["tool_call"],
      ["stop"],
    ]);
    expect(turns[0]?.attributes).toMatchObject({
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 10,
    });
    const tool = await collector.span("execute_tool read");
    expect(tool).toMatchObject({ traceId: run.traceId, parentSpanId: run.spanId, kind: 1 });
    expect(tool.attributes).toMatchObject({
      "gen_ai.tool.name": "read",
      "gen_ai.tool.call.id": "c1",
      "gen_ai.tool.type": "function",
    });
    for (const span of inTrace()) {
      expect(span.start).toBeLessThanOrEqual(span.end);
      expect(span.start).toBeGreaterThanOrEqual(run.start);
    }
    const delivery = await collector.span("turnwire.deliver", { "turnwire.run.id": "run-1" });
    expect(delivery).toMatchObject({ kind: 4, attributes: { "turnwire.attempt": 1 } });
    expect(delivery.links).toMatchObject([{ traceId: run.traceId, spanId: run.spanId }]);
    expect(isRoot(delivery)).toBe(true);
    // Nobody has asked for contents.
    expect(JSON.stringify(collector.requests)).not.toContain("needle");
    expect(collector.resource).toMatchObject({ "service.name": "turnwire" });
  });

  it("is counted: tokens, durations, what waits, and what nobody has acknowledged", async () => {
    const { provider, collector, session, server } = await start();
    const gate = new Gate(provider);
    provider.enqueue(reply().text("so").gate(gate.opened).usage(7, 3));
    await session.send("one", "m-1");
    await gate.reached();
    await session.send("two", "m-2");
    const gauge = (name: string, value: number) =>
      collector.until(() =>
        collector.points.find((one) => one.name === name && one.value === value),
      );
    await gauge("turnwire.queue.depth", 1);
    await gauge("turnwire.runs.open", 2);
    gate.open();
    const { completionId } = await server.completion("m-2");
    await gauge("turnwire.queue.depth", 0);
    await gauge("turnwire.completions.unacknowledged", 2);
    await server.call("acknowledge", { completionIds: [completionId] });
    await gauge("turnwire.completions.unacknowledged", 1);
    const series = (name: string, attributes: object) =>
      collector.points.find(
        (one) =>
          one.name === name &&
          Object.entries(attributes).every(([key, value]) => one.attributes[key] === value),
      );
    expect(series("gen_ai.client.token.usage", { "gen_ai.token.type": "input" })).toMatchObject({
      unit: "{token}",
    });
    const named = (operation: string) => ({ "gen_ai.operation.name": operation });
    expect(series("gen_ai.client.operation.duration", named("chat"))?.unit).toBe("s");
    expect(series("gen_ai.client.operation.duration", named("invoke_agent"))?.count).toBe(2);
  });

  it("tells contents where they are asked for", async () => {
    const { provider, collector, session } = await start({
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    });
    provider.enqueue(
      reply().toolCall("read", { path: "a.txt" }, { id: "c1" }),
      reply().text("It says needle."),
    );
    await session.run("Read a.txt.", "run-1");
    const { run, inTrace } = await traceOf(collector, "run-1");
    const json = (span: CollectedSpan | undefined, name: string): unknown =>
      JSON.parse(String(span?.attributes[name]));
    expect(json(run, "gen_ai.input.messages")).toEqual([
      { role: "user", parts: [{ type: "text", content: "Read a.txt." }] },
    ]);
    expect(json(run, "gen_ai.output.messages")).toMatchObject([
      { role: "assistant", parts: [{ content: "It says needle." }], finish_reason: "stop" },
    ]);
    const turns = inTrace().filter(({ attributes }) => attributes["turnwire.purpose"] === "turn");
    expect(json(turns[1], "gen_ai.input.messages")).toMatchObject([
      { role: "user" },
      { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "read" }] },
      { role: "tool", parts: [{ type: "tool_call_response", id: "c1" }] },
    ]);
    expect(json(turns[0], "gen_ai.output.messages")).toMatchObject([
      { parts: [{ type: "tool_call", name: "read" }], finish_reason: "tool_call" },
    ]);
    expect(json(turns[0], "gen_ai.system_instructions")).toMatchObject([{ type: "text" }]);
    const tool = await collector.span("execute_tool read");
    expect(json(tool, "gen_ai.tool.call.arguments")).toEqual({ path: "a.txt" });
    expect(tool.attributes["gen_ai.tool.call.result"]).toContain("needle");
  });
});

describe.concurrent("a client's trace", () => {
  it("goes on in the run, in its tools' programs, and not in another run", async () => {
    const { provider, collector, session, server } = await start();
    const tool = reply().toolCall(
      "bash",
      { command: "echo $TRACEPARENT:$TRACESTATE" },
      { id: "c1" },
    );
    provider.enqueue(tool, reply().text("done"));
    const { workspaceId, sessionId } = session;
    await server.call("sendMessage", {
      workspaceId,
      sessionId,
      prompt: "go",
      runId: "t-1",
      traceparent: parent,
      tracestate: "vendor=1,other=a b",
    });
    await server.completion("t-1");
    const run = await collector.span("invoke_agent", { "turnwire.run.id": "t-1" });
    expect(run).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331" });
    expect(run.traceState).toBe("vendor=1,other=a b");
    const bash = await collector.span("execute_tool bash");
    const [result] = (await session.messages())
      .flatMap(({ parts }) => parts)
      .filter((part) => part.type === "toolResult");
    expect(result).toMatchObject({
      output: expect.stringContaining(`00-${traceId}-${bash.spanId}-01:vendor=1,other=a b`),
    });
    await session.run("again", "t-2");
    const other = await collector.span("invoke_agent", { "turnwire.run.id": "t-2" });
    expect(isRoot(other)).toBe(true);
    expect(other.traceId).not.toBe(traceId);
  });

  it("of `initialize` holds for its prompts; a run that is not sampled is not told", async () => {
    const collector = await startCollector();
    opened.push(() => collector.close());
    const { provider, server } = await startLoopbackServer({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...often },
    });
    opened.push(() => provider.close());
    await server.call("initialize", { protocolVersion: 1, traceparent: parent });
    const session = await openSession(server);
    const { workspaceId, sessionId } = session;
    const send = (runId: string, traceparent?: string) =>
      server.call("sendMessage", {
        workspaceId,
        sessionId,
        prompt: "go",
        runId,
        ...defined({ traceparent }),
      });
    await send("i-1", "00-11111111111111111111111111111111-2222222222222222-00");
    await server.completion("i-1");
    await send("i-2");
    await server.completion("i-2");
    await send("i-3", "nonsense");
    await server.completion("i-3");
    for (const runId of ["i-2", "i-3"]) {
      expect(await collector.span("invoke_agent", { "turnwire.run.id": runId })).toMatchObject({
        traceId,
        parentSpanId: "b7ad6b7169203331",
      });
    }
    await collector.span("turnwire.deliver", { "turnwire.run.id": "i-3" });
    expect(JSON.stringify(collector.spans.map(({ attributes }) => attributes))).not.toContain(
      "i-1",
    );
  });
});

describe.concurrent("what goes wrong", () => {
  it("is told: a try that failed, a tool that failed, a run that failed, a cancel", async () => {
    const { provider, collector, session } = await start();
    provider.enqueue(
      errorReply(503, "busy"),
      reply().toolCall("read", { path: "none.txt" }, { id: "c1" }),
      errorReply(401, "no key"),
    );
    await session.run("go", "f-1");
    const { run, inTrace } = await traceOf(collector, "f-1");
    expect(run).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "ProviderAuth", "turnwire.run.status": "failed" },
    });
    const turns = inTrace().filter(({ attributes }) => attributes["turnwire.purpose"] === "turn");
    expect(
      turns.map(({ attributes }) => [attributes["turnwire.attempt"], attributes["error.type"]]),
    ).toEqual([
      [1, "ProviderOverloaded"],
      [2, undefined],
      [1, "ProviderAuth"],
    ]);
    expect(await collector.span("execute_tool read")).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "tool_error", "turnwire.tool.state": "failed" },
    });
    const gate = new Gate(provider);
    provider.enqueue(reply().text("so").gate(gate.opened));
    await session.send("on", "f-2");
    await gate.reached();
    const { workspaceId, sessionId, server } = session;
    await server.call("cancelSession", { workspaceId, sessionId });
    const cancelled = await collector.span("invoke_agent", { "turnwire.run.id": "f-2" });
    expect(cancelled).toMatchObject({
      status: {},
      attributes: { "turnwire.run.status": "cancelled", "turnwire.run.cause": "user" },
    });
    const chat = collector.spans.find(
      ({ parentSpanId, attributes }) =>
        parentSpanId === cancelled.spanId && attributes["turnwire.cancelled"] === true,
    );
    expect(chat).toMatchObject({ status: {} });
  });

  it("a crash: the next server ends the span, and links the delivery to it", async () => {
    const first = await start();
    const { provider, collector, session, server } = first;
    const gate = new Gate(provider);
    provider.enqueue(reply().text("so").gate(gate.opened));
    const { workspaceId, sessionId } = session;
    const clientId = "the-client";
    await server.call("initialize", { protocolVersion: 1, clientId });
    await server.call("sendMessage", {
      workspaceId,
      sessionId,
      prompt: "go",
      runId: "x-1",
      traceparent: parent,
    });
    await gate.reached();
    await server.kill();
    const next = await startLoopbackServer({
      dataDir: server.dataDir,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...often },
    });
    opened.push(() => next.provider.close());
    await next.server.call("initialize", { protocolVersion: 1, clientId });
    await next.server.completion("x-1");
    const run = await collector.span("invoke_agent", { "turnwire.run.id": "x-1" });
    expect(run).toMatchObject({
      traceId,
      parentSpanId: "b7ad6b7169203331",
      status: { code: 2 },
      attributes: { "error.type": "Interrupted", "turnwire.run.status": "interrupted" },
    });
    const delivery = await collector.span("turnwire.deliver", { "turnwire.run.id": "x-1" });
    expect(delivery.links).toMatchObject([{ traceId, spanId: run.spanId }]);
    gate.open();
  });
});

it("a run that goes on after the loss of its server stays in its trace, with a span in each", async () => {
  const first = await start();
  const { provider, collector, session, server, path, env } = first;
  const gate = new Gate(provider);
  provider.enqueue(reply().text("so").gate(gate.opened), reply().text("on"), reply().text("on"));
  await server.call("initialize", { protocolVersion: 1, clientId: "the-client" });
  await server.call("sendMessage", {
    workspaceId: session.workspaceId,
    sessionId: session.sessionId,
    prompt: "go",
    runId: "g-1",
    traceparent: parent,
    options: { onServerLoss: "continue" },
  });
  await gate.reached();
  await server.kill();
  const next = startServer({ dataDir: server.dataDir, env });
  await next.call("createWorkspace", { path, permissionMode: "allow", initAgent: true });
  const ends = () =>
    collector.spans.filter(
      ({ name, attributes }) => name === "invoke_agent" && attributes["turnwire.run.id"] === "g-1",
    );
  const [lost, done] = await collector.until(() => (ends().length > 1 ? ends() : undefined));
  gate.open();
  expect(lost?.attributes["turnwire.run.status"]).toBe("interrupted");
  expect(done?.attributes["turnwire.run.status"]).toBe("succeeded");
  for (const span of [lost, done]) {
    expect(span).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331" });
  }
  expect(done?.links).toMatchObject([{ spanId: lost?.spanId }]);
});

describe.concurrent("a sub-task", () => {
  it("is a run inside of its call", async () => {
    const { provider, collector, session } = await start();
    provider.enqueue(
      reply().toolCall("task", { description: "look", prompt: "Where is it?" }, { id: "c1" }),
      reply().toolCall("grep", { pattern: "needle" }, { id: "k1" }),
      reply().text("In a.txt."),
      reply().text("It is in a.txt."),
    );
    await session.run("Find it.", "s-1");
    const { run } = await traceOf(collector, "s-1");
    const task = await collector.span("execute_tool task");
    const child = await collector.span("invoke_agent", { "turnwire.run.kind": "task" });
    const grep = await collector.span("execute_tool grep");
    expect([task.parentSpanId, child.parentSpanId, grep.parentSpanId]).toEqual([
      run.spanId,
      task.spanId,
      child.spanId,
    ]);
    expect(child.attributes["gen_ai.conversation.id"]).not.toBe(session.sessionId);
    expect(new Set([run, task, child, grep].map((span) => span.traceId)).size).toBe(1);
  });
});

describe.concurrent("a collector that is lost, slow or strict", () => {
  it("holds up neither runs nor the end of the server", async () => {
    const collector = await startCollector();
    const { url } = collector;
    await collector.close();
    const { provider, server } = await startLoopbackServer({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: url,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20sesame-open-now",
        ...often,
      },
    });
    opened.push(() => provider.close());
    const session = await openSession(server);
    provider.enqueue(
      reply().toolCall("bash", { command: "env" }, { id: "c1" }),
      reply().text("done"),
    );
    expect(await session.run("go", "l-1")).toMatchObject({ status: "succeeded" });
    const before = performance.now();
    expect(await server.close()).toEqual({ code: 0, signal: null });
    expect(performance.now() - before).toBeLessThan(9000);
    expect(server.stderr.match(/telemetry cannot be sent/g)).toHaveLength(2);
    const seen = server.stderr + server.texts.join("");
    expect(seen).not.toContain("sesame");
    expect(seen).not.toContain("OTLP_HEADERS");
  });

  it("that answers 503 gets the same batch again, with the headers, and no other does", async () => {
    const { provider, collector, session } = await start({
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
      OTEL_METRICS_EXPORTER: "none",
      OTEL_SERVICE_NAME: "ours",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=theirs",
    });
    collector.answers.push({ status: 503 }, { status: 429, headers: { "retry-after": "0" } });
    provider.enqueue(reply().text("done"));
    await session.run("go", "r-1");
    await collector.span("invoke_agent", { "turnwire.run.id": "r-1" });
    expect(collector.requests[0]?.headers).toMatchObject({ "x-key": "a b" });
    expect(collector.requests.every(({ path }) => path === "/v1/traces")).toBe(true);
    expect(collector.resource).toMatchObject({
      "service.name": "ours",
      "deployment.environment.name": "test",
    });
  });
});

describe("a host process with an SDK of its own", () => {
  it("gets the spans and the measurements, and nothing is sent besides", async () => {
    const { provider, collector, server, session, told } = await startHosted();
    provider.enqueue(
      reply().toolCall("bash", { command: "echo $TRACEPARENT" }, { id: "c1" }),
      reply().text("done"),
    );
    const { workspaceId, sessionId } = session;
    await server.call("sendMessage", {
      workspaceId,
      sessionId,
      prompt: "go",
      runId: "h-1",
      traceparent: parent,
      tracestate: "vendor=1",
    });
    await server.completion("h-1");
    const [result] = (await session.messages())
      .flatMap(({ parts }) => parts)
      .filter((part) => part.type === "toolResult");
    await server.close();
    const spans = told().filter(({ name }) => name !== undefined);
    const of = (name: string) => spans.find((span) => span.name === name);
    const run = of("invoke_agent");
    const bash = of("execute_tool bash");
    expect(run).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331", kind: 0 });
    expect(run?.scope).toMatchObject({ name: "turnwire" });
    expect(bash).toMatchObject({ traceId, parentSpanId: run?.spanId });
    expect(of("turnwire.deliver")).toMatchObject({ kind: 3, links: [run?.spanId] });
    const chat = spans.find(({ attributes }) => attributes["turnwire.purpose"] === "turn");
    expect(chat).toMatchObject({ kind: 2, parentSpanId: run?.spanId });
    expect(result).toMatchObject({
      output: expect.stringContaining(`00-${traceId}-${bash?.spanId}-01`),
    });
    const counted = told().flatMap(({ metric }) => metric ?? []);
    expect(new Set(counted)).toEqual(
      new Set([
        ...["gen_ai.client.operation.duration", "gen_ai.client.token.usage"],
        ...["turnwire.queue.depth", "turnwire.runs.open", "turnwire.completions.unacknowledged"],
      ]),
    );
    expect(collector.requests).toEqual([]);
    const { spans: all, points } = collectedFrom(told());
    expect([all.length, points.length].every((count) => count > 4)).toBe(true);
    expect(conventionFaults({ spans: all, points })).toEqual([]);
  });

  it("gets what failed and what a sub-task did in the conventions' form too", async () => {
    const { provider, server, session, told } = await startHosted({
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
    });
    provider.enqueue(
      errorReply(503, "busy"),
      reply().toolCall("task", { description: "look", prompt: "Where is it?" }, { id: "c1" }),
      reply().toolCall("read", { path: "none.txt" }, { id: "k1" }),
      reply().text("Nowhere."),
      errorReply(401, "no key"),
    );
    await session.run("go", "h-2");
    await server.close();
    const collected = collectedFrom(told());
    const failed = collected.spans.filter(({ status }) => status.code === 2);
    expect(failed.map(({ name, attributes }) => [name, attributes["error.type"]])).toEqual(
      expect.arrayContaining([
        ["execute_tool read", "tool_error"],
        ["invoke_agent", "ProviderAuth"],
      ]),
    );
    expect(conventionFaults(collected, { hasContents: true })).toEqual([]);
  });
});

async function startHosted(env: Readonly<Record<string, string>> = {}) {
  const collector = await startCollector();
  opened.push(() => collector.close());
  const file = join(makeFolder(), "told.jsonl");
  writeFileSync(file, "");
  const sdk = fileURLToPath(new URL("../helpers/hostSdk.mjs", import.meta.url));
  const loopback = await startLoopbackServer({
    nodeArgs: ["--import", sdk],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, HOST_SDK_FILE: file, ...often, ...env },
  });
  opened.push(() => loopback.provider.close());
  const told = () =>
    readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Told);
  return { ...loopback, collector, told, session: await openSession(loopback.server) };
}

describe("off", () => {
  /** The files that a server has loaded by its end, and what a tool's program saw. */
  async function filesOf(env: Readonly<Record<string, string>>) {
    const folder = makeFolder();
    const { provider, server } = await startLoopbackServer({
      env: { ...env, NODE_V8_COVERAGE: folder },
    });
    opened.push(() => provider.close());
    const session = await openSession(server);
    provider.enqueue(reply().toolCall("bash", { command: "echo [$TRACEPARENT]" }, { id: "c1" }));
    const { workspaceId, sessionId } = session;
    await server.call("sendMessage", {
      workspaceId,
      sessionId,
      prompt: "go",
      runId: "o-1",
      traceparent: parent,
    });
    await server.completion("o-1");
    const [seen] = (await session.messages())
      .flatMap(({ parts }) => parts)
      .flatMap((part) => (part.type === "toolResult" ? [part.output] : []));
    await server.close();
    const files = readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url);
    });
    return { seen, isLoaded: files.some((url) => url.includes("openTelemetry")) };
  }

  it.each([
    ["without a variable", {}],
    [
      "with OTEL_SDK_DISABLED",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" },
    ],
  ])("%s, its code is not loaded, and programs are told nothing", async (_, env) => {
    expect(await filesOf(env)).toEqual({ seen: expect.stringContaining("[]"), isLoaded: false });
  });

  it("it is not with an endpoint", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
    expect(await filesOf(env)).toMatchObject({ isLoaded: true });
  });
});
