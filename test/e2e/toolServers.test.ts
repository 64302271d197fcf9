import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));

/** The test server's entry in a configuration; its processes are found by `mark`. */
function toolServer(mark: string, more: { args?: string[]; env?: object } = {}) {
  return {
    command: process.execPath,
    args: [script, ...(more.args ?? []), mark],
    env: more.env ?? {},
  };
}

async function start(config: object, env: Record<string, string> = {}) {
  const loopback = await startLoopbackServer({ config, env });
  onTestFinished(() => loopback.provider.close());
  return loopback;
}

/** Waits until no process carries the mark; the test's own time limit is the bound. */
async function untilGone(mark: string): Promise<void> {
  while (processesWith(mark).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function resultsOf(session: WireSession) {
  return (await session.messages())
    .flatMap(({ parts }) => parts)
    .flatMap((part) => (part.type === "toolResult" ? [part.output] : []));
}

describe("a tool server of the configuration", () => {
  it("gives the model its tools, and is asked about before each call", async () => {
    const mark = uniqueSeconds();
    const { provider, server } = await start({ mcpServers: { docs: toolServer(mark) } });
    const questions: PermissionQuestion[] = [];
    server.onPermission = (question) => {
      questions.push(question);
      return { result: { decision: questions.length === 1 ? "allowForSession" : "deny" } };
    };
    provider.enqueue(
      reply().toolCall("mcp__docs__look", {}, { id: "c1" }),
      reply().toolCall("mcp__docs__look", {}, { id: "c2" }),
      reply().toolCall("mcp__docs__echo", { text: "hello" }, { id: "c3" }),
      reply().text("Done."),
    );
    const session = await openSession(server, { permissionMode: "ask" });
    expect((await session.run("Look.", "run-1")).text).toBe("Done.");
    expect(questions).toMatchObject([
      { tool: "mcp__docs__look", action: "read", toolCallId: "c1" },
      { tool: "mcp__docs__echo", action: "execute", toolCallId: "c3", input: { text: "hello" } },
    ]);
    expect(await resultsOf(session)).toEqual(["seen", "seen", "The user denied it."]);
    expect(JSON.stringify(provider.turnRequests[0]?.body.tools)).toContain("^[a-z ]+$");
    expect((await server.close()).code).toBe(0);
    expect(processesWith(mark)).toEqual([]);
  });

  it("gets neither the provider's key nor the server's other variables", async () => {
    const config = {
      mcpServers: { docs: toolServer(uniqueSeconds(), { env: { OWN_TOKEN: "$DOCS_TOKEN" } }) },
    };
    const names = ["OWN_TOKEN", "DOCS_TOKEN", "ANTHROPIC_API_KEY", "TURNWIRE_CONFIG", "PLAIN"];
    const env = { ANTHROPIC_API_KEY: "sk-secret", DOCS_TOKEN: "docs-secret", PLAIN: "plain" };
    const { provider, server } = await start(config, env);
    for (const name of names) {
      provider.enqueue(reply().toolCall("mcp__docs__variable", { name }, { id: name }));
    }
    const session = await openSession(server);
    await session.run("Look.", "run-1");
    const none = "(not set)";
    expect(await resultsOf(session)).toEqual(["docs-secret", none, none, none, "plain"]);
  });

  it("that hangs holds up neither sendMessage nor the turn for long, and ends with the rest", async () => {
    const mark = uniqueSeconds();
    const config = { mcpServers: { hangs: toolServer(mark, { args: ["--hang"] }) } };
    const { provider, server } = await start(config);
    const session = await openSession(server);
    await session.send("Hello", "run-1");
    expect(await server.call("cancelSession", session.ids)).toMatchObject({
      cancelled: [{ runId: "run-1" }],
    });
    expect((await server.completion("run-1")).status).toBe("cancelled");
    expect(provider.requests).toEqual([]);
    expect((await session.run("Hello", "run-2")).text).toBe("ok");
    const names = provider.turnRequests[0]?.body.tools?.map((tool) => tool.function.name);
    expect(names?.filter((name) => name.startsWith("mcp__"))).toEqual([]);
    expect(processesWith(mark)).toHaveLength(1);
    await server.call("deleteWorkspace", { workspaceId: session.workspaceId });
    expect(processesWith(mark)).toEqual([]);
  });

  it("does not outlive a server that is killed", async () => {
    const mark = uniqueSeconds();
    const { server } = await start({ mcpServers: { docs: toolServer(mark) } });
    const session = await openSession(server);
    await session.run("Hello", "run-1");
    expect(processesWith(mark)).toHaveLength(1);
    await server.kill();
    await untilGone(mark);
  });

  it("that is taken out of the configuration is ended, and another is started", async () => {
    const [old, fresh] = [uniqueSeconds(), uniqueSeconds()];
    const { provider, server, configFile } = await start({ mcpServers: { a: toolServer(old) } });
    const session = await openSession(server);
    await session.run("Hello", "run-1");
    const config = JSON.parse(readFileSync(configFile, "utf8"));
    config.mcpServers = { b: toolServer(fresh) };
    writeFileSync(configFile, JSON.stringify(config));
    await server.call("updateAgent", { workspaceId: session.workspaceId });
    await session.run("Hello", "run-2");
    await untilGone(old);
    expect(processesWith(fresh)).toHaveLength(1);
    const names = provider.turnRequests.at(-1)?.body.tools?.map((tool) => tool.function.name);
    expect(names).toContain("mcp__b__echo");
    expect(names).not.toContain("mcp__a__echo");
  });

  it("of a workspace is started only where that is trusted", async () => {
    const { server } = await start({});
    for (const trusted of [false, true]) {
      const mark = uniqueSeconds();
      const path = makeFolder();
      const own = { mcpServers: { own: toolServer(mark) } };
      writeFileSync(join(path, "turnwire.json"), JSON.stringify(own));
      const workspace = await server.call("createWorkspace", { path, trusted, initAgent: true });
      const { id } = await server.call("createSession", { workspaceId: workspace.id, title: "t" });
      const params = { workspaceId: workspace.id, sessionId: id, prompt: "Hello" };
      await server.call("sendMessage", { ...params, runId: `run-${trusted}` });
      await server.completion(`run-${trusted}`);
      expect(processesWith(mark)).toHaveLength(trusted ? 1 : 0);
    }
  });
});
