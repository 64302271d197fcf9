// Where a run belongs in a trace, as other protocols say it in `_meta` (docs/telemetry.md): editors and
// agents that speak the Agent Client Protocol, and tool servers.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { Editor, endEditors } from "../acp/editor.js";
import { type Collector, startCollector } from "../helpers/collector.js";
import { conventionFaults } from "../helpers/conventionFaults.js";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { makeFolder } from "../helpers/serverProcess.js";
import { testNode } from "../helpers/testNode.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endEditors);
afterAll(endHouses);

/** What the tests have opened. They run side by side, so it is closed when all are over. */
const opened: (() => unknown)[] = [];
/** What is wrong with what all collectors have got, by the conventions. */
const faults: string[] = [];
afterAll(async () => {
  for (const close of opened) await close();
  expect(faults).toEqual([]);
});

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));
const contents = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const parent = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "vendor=1" };

async function collect(
  more: Readonly<Record<string, string>> = {},
): Promise<{ collector: Collector; env: Record<string, string> }> {
  const collector = await startCollector();
  opened.push(() => faults.push(...conventionFaults(collector, { hasContents: contents in more })));
  opened.push(() => collector.close());
  const often = { OTEL_BSP_SCHEDULE_DELAY: "20", OTEL_METRIC_EXPORT_INTERVAL: "50" };
  return { collector, env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...often, ...more } };
}

async function sendIn(session: WireSession, prompt: string, runId: string): Promise<void> {
  const { server, workspaceId, sessionId } = session;
  await server.call("sendMessage", { workspaceId, sessionId, prompt, runId, ...parent });
  await server.completion(runId);
}

describe.concurrent("an editor's `_meta`", () => {
  const greeting = { protocolVersion: 1, clientCapabilities: {} };
  const prompt = [{ type: "text" as const, text: "@say hello" }];

  it("of a prompt is the run's parent, and goes before that of `initialize`", async () => {
    const { collector, env } = await collect();
    const editor = new Editor({ env });
    const other = `00-11111111111111111111111111111111-2222222222222222-01`;
    await editor.agent.request("initialize", { ...greeting, _meta: { traceparent: other } });
    const { sessionId } = await editor.agent.request("session/new", {
      cwd: makeFolder(),
      mcpServers: [],
    });
    const ask = (_meta?: Record<string, unknown>) =>
      editor.agent.request("session/prompt", { sessionId, prompt, ...defined({ _meta }) });
    await ask(parent);
    await ask();
    await ask({ traceparent: 7, tracestate: {} });
    await ask({ traceparent: "nonsense" });
    const runs = await collector.until(() => {
      const all = collector.spans.filter(({ name }) => name === "invoke_agent");
      return all.length === 4 ? all : undefined;
    });
    expect(
      runs.map(({ traceId, parentSpanId, traceState }) => [traceId, parentSpanId, traceState]),
    ).toEqual([
      [traceId, "b7ad6b7169203331", "vendor=1"],
      ...Array.from({ length: 3 }, () => [
        "11111111111111111111111111111111",
        "2222222222222222",
        undefined,
      ]),
    ]);
  });
});

describe.concurrent("an agent that is an engine", () => {
  it("is told the run's span in `_meta` of its prompt", async () => {
    const { collector, env } = await collect();
    const house = new EngineHouse({}, {}, env);
    await sendIn(await house.open(), "say hello", "e-1");
    const run = await collector.span("invoke_agent", { "turnwire.run.id": "e-1" });
    expect(run).toMatchObject({ traceId, parentSpanId: "b7ad6b7169203331" });
    expect(house.got("session/prompt")).toMatchObject([
      { _meta: { traceparent: `00-${traceId}-${run.spanId}-01`, tracestate: "vendor=1" } },
    ]);
  });

  const tool = (id: string, more: object) =>
    `tool ${JSON.stringify({ toolCallId: id, title: "T", kind: "execute", ...more })}`;
  const update = (id: string, more: object) => {
    const told = { sessionUpdate: "tool_call_update", toolCallId: id, ...more };
    return `update ${JSON.stringify(told)}`;
  };
  const output = (text: string) => ({
    content: [{ type: "content", content: { type: "text", text } }],
  });

  it("has the calls that it reports as spans of its run, as they are known at their end", async () => {
    const { collector, env } = await collect({ [contents]: "true" });
    const house = new EngineHouse({}, {}, env);
    const session = await house.open();
    // An earlier run, from which the pipe of the agent stays.
    await sendIn(session, "say hello", "e-1");
    const prompt = [
      tool("c1", {}),
      tool("c2", { name: "look", rawInput: { at: "a.txt" } }),
      update("c1", { status: "in_progress", rawInput: { command: "ls" } }),
      update("c1", { name: "shell", status: "completed", ...output("two files") }),
      update("c2", { status: "failed", ...output("no such file") }),
      tool("c3", { name: "left" }),
      "say done",
    ];
    await sendIn(session, prompt.join("\n"), "e-2");
    const run = await collector.span("invoke_agent", { "turnwire.run.id": "e-2" });
    const spans = await Promise.all(
      ["shell", "look", "left"].map((name) => collector.span(`execute_tool ${name}`)),
    );
    for (const span of spans) {
      expect(span).toMatchObject({ traceId: run.traceId, parentSpanId: run.spanId, kind: 1 });
      expect(span.start).toBeGreaterThanOrEqual(run.start);
      expect(span.end).toBeLessThanOrEqual(run.end);
    }
    expect(spans.map(({ attributes }) => attributes)).toMatchObject([
      {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "shell",
        "gen_ai.tool.call.id": "c1",
        "gen_ai.tool.call.arguments": '{"command":"ls"}',
        "gen_ai.tool.call.result": "two files",
        "turnwire.tool.state": "completed",
      },
      { "gen_ai.tool.call.id": "c2", "error.type": "tool_error", "turnwire.tool.state": "failed" },
      { "gen_ai.tool.call.id": "c3", "turnwire.tool.state": "completed" },
    ]);
    const counted = await collector.until(() =>
      collector.points.find(({ attributes }) => attributes["gen_ai.tool.name"] === "shell"),
    );
    expect(counted).toMatchObject({ name: "gen_ai.client.operation.duration", count: 1 });
  });

  it("whose call was denied, or cut off by its own death, has a span that says so", async () => {
    const { collector, env } = await collect();
    const house = new EngineHouse({}, {}, env);
    const session = await house.open("deny");
    await sendIn(session, "command rm -rf build", "d-1");
    expect(
      await collector.span("execute_tool execute", { "turnwire.tool.state": "denied" }),
    ).toMatchObject({
      status: { code: 2 },
      attributes: { "error.type": "permission_denied" },
    });
    await sendIn(session, `${tool("c1", { name: "long" })}\ncrash`, "d-2");
    const cut = await collector.span("execute_tool long");
    expect(cut).toMatchObject({
      status: { code: 2 },
      attributes: { "turnwire.tool.state": "failed" },
    });
    const run = await collector.span("invoke_agent", { "turnwire.run.id": "d-2" });
    expect(cut.parentSpanId).toBe(run.spanId);
  });

  it("is told nothing while no traces are told", async () => {
    const house = new EngineHouse();
    await sendIn(await house.open(), "say hello", "e-1");
    expect(JSON.stringify(house.got("session/prompt"))).not.toContain("traceparent");
  });
});

describe.concurrent("a tool server", () => {
  /** What a call of its tool had in `_meta`, and the span of that call. */
  async function call(args: readonly string[], env: Record<string, string>) {
    const file = join(makeFolder(), "meta");
    const docs = { command: testNode, args: [script, ...args], env: { META_FILE: file } };
    const { provider, server } = await startLoopbackServer({
      config: { mcpServers: { docs } },
      env,
    });
    opened.push(() => provider.close());
    provider.enqueue(reply().toolCall("mcp__docs__look", {}, { id: "c1" }), reply().text("done"));
    await sendIn(await openSession(server), "go", "m-1");
    const [meta = "{}"] = readFileSync(file, "utf8").split("\n");
    return JSON.parse(meta) as Readonly<Record<string, unknown>>;
  }

  it.each(["--old", "--new"])("(%s) is told the span of the call in `_meta`", async (era) => {
    const { collector, env } = await collect();
    const meta = await call([era], env);
    const span = await collector.span("execute_tool mcp__docs__look");
    expect(span.traceId).toBe(traceId);
    expect(meta).toMatchObject({
      traceparent: `00-${traceId}-${span.spanId}-01`,
      tracestate: "vendor=1",
    });
  });

  it("is told nothing while no traces are told", async () => {
    expect(await call([], {})).not.toHaveProperty("traceparent");
  });
});
