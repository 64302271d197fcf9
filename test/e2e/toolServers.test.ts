import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { PermissionQuestion } from "../../src/protocol/index.js";
import { errorReply, type LoopbackRequest, reply } from "../helpers/loopbackProvider.js";
import { startLoopbackServer } from "../helpers/loopbackServer.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import { endServers, makeFolder } from "../helpers/serverProcess.js";
import { refusalOf } from "../helpers/strictSchemas.js";
import { openSession, type WireSession } from "../helpers/wireSession.js";

afterAll(endServers);

const script = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));

/** The test server's entry in a configuration; its processes are found by `mark`. */
function toolServer(mark: string, more: { args?: string[]; env?: Record<string, string> } = {}) {
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

  it("gives its prompts as commands, which a prompt may begin with", async () => {
    const { provider, server } = await start({
      mcpServers: { docs: toolServer(uniqueSeconds()) },
    });
    const session = await openSession(server);
    const { workspaceId } = session;
    const { commands } = await server.call("listCommands", { workspaceId });
    expect(commands).toEqual([
      expect.objectContaining({ name: "compact", source: "builtIn" }),
      expect.objectContaining({ name: "undo", source: "builtIn" }),
      {
        name: "mcp__docs__review",
        description: "Reviews a file.",
        argumentHint: "<file> [focus]",
        source: "mcp",
      },
    ]);
    await session.run("/mcp__docs__review a.ts", "run-1");
    const texts = async () =>
      (await session.messages())
        .filter(({ role }) => role === "user")
        .flatMap(({ parts }) => parts.flatMap((part) => (part.type === "text" ? [part.text] : [])));
    const review = "Review a.ts, above all everything.\nAssistant:\nI shall.";
    expect(await texts()).toEqual(["/mcp__docs__review a.ts", review]);
    expect(JSON.stringify(provider.turnRequests[0]?.body.messages)).toContain("Review a.ts");
    await session.run("/unknown a.ts", "run-2");
    expect((await texts()).slice(2)).toEqual(["/unknown a.ts"]);
  });

  it("of a session gives its prompts to that session's commands alone", async () => {
    const { server } = await start({ mcpServers: { docs: toolServer(uniqueSeconds()) } });
    const session = await openSession(server);
    const { workspaceId, sessionId } = session;
    const { command, args } = toolServer(uniqueSeconds());
    const mcpServers = [{ name: "own", command, args }];
    await server.call("createSession", { workspaceId, sessionId, mcpServers });
    const names = async (of: { sessionId?: string }) =>
      (await server.call("listCommands", { workspaceId, ...of })).commands.map(({ name }) => name);
    expect(await names({ sessionId })).toEqual([
      "compact",
      "undo",
      "mcp__own__review",
      "mcp__docs__review",
    ]);
    expect(await names({})).toEqual(["compact", "undo", "mcp__docs__review"]);
    const other = await session.another();
    expect(await names({ sessionId: other.sessionId })).toEqual([
      "compact",
      "undo",
      "mcp__docs__review",
    ]);
    expect(await server.failure("listCommands", { workspaceId, sessionId: "none" })).toBe(
      "SessionNotFound",
    );
  });

  it("asks the user through a client that can answer, and is declined by any other", async () => {
    const mcpServers = { docs: toolServer(uniqueSeconds()) };
    for (const requestInput of [true, false]) {
      const { provider, server } = await start({ mcpServers });
      await server.call("initialize", { clientId: "c", capabilities: { requestInput } });
      const asked: unknown[] = [];
      server.onPermission = (question) => {
        asked.push(question);
        return { result: { action: "accept", content: { edition: "second" } } };
      };
      provider.enqueue(reply().toolCall("mcp__docs__choose", {}, { id: "c1" }));
      const session = await openSession(server);
      await session.run("Choose.", "run-1");
      const [result] = await resultsOf(session);
      const action = requestInput
        ? { action: "accept", content: { edition: "second" } }
        : { action: "decline" };
      expect(JSON.parse(result ?? "")[0]).toEqual(action);
      expect(asked).toMatchObject(
        requestInput
          ? [{ sessionId: session.ids.sessionId, runId: "run-1", message: /Which edition/ }].map(
              ({ message, ...rest }) => ({ ...rest, message: expect.stringMatching(message) }),
            )
          : [],
      );
    }
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

/** A server that lists tools as they are given, which the protocol's own package would not do. */
function lister(tools: readonly object[]) {
  const program = join(makeFolder(), "lister.mjs");
  writeFileSync(
    program,
    `import { createInterface } from "node:readline";
const answers = {
  initialize: (params) => ({
    protocolVersion: params.protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "lister", version: "1" },
  }),
  "tools/list": () => ({ tools: ${JSON.stringify(tools)} }),
  "tools/call": ({ name }) => ({ content: [{ type: "text", text: "did " + name }] }),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const result = answers[method]?.(params);
  const error = result ? undefined : { code: -32601, message: "no such method" };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, result, error }));
}
`,
  );
  return { command: process.execPath, args: [program] };
}

describe("a provider that refuses a whole request for one tool", () => {
  const a = { type: "string" };
  const nested = (part: object) => ({ type: "object", properties: { a: part } });
  const listed: Record<string, object> = {
    fair: { type: "object", properties: { a }, required: ["a"] },
    choice: { type: "object", properties: { a }, oneOf: [{ required: ["a"] }, {}] },
    required: { type: "object", properties: { a }, required: "a" },
    unknown: { type: "object", properties: { a }, required: ["b"] },
    nothing: { type: "object", properties: null },
    flags: nested({ type: "string", required: true }),
    older: nested({ type: "array", items: [a], exclusiveMinimum: true }),
    types: nested({ type: "file" }),
    empty: nested({ type: "string", enum: [] }),
    list: { type: "object", properties: [a] },
  };

  it("takes what is made of broken schemas, and calls go through", async () => {
    const tools = Object.entries(listed).map(([name, inputSchema]) => ({ name, inputSchema }));
    expect(tools.filter(({ inputSchema }) => refusalOf(inputSchema) === undefined)).toHaveLength(1);
    const { provider, server } = await start({ mcpServers: { odd: lister(tools) } });
    provider.byDefault(() => {
      const { tools: sent, messages } = provider.requests.at(-1)?.body ?? { messages: [] };
      const schemas = (sent ?? []).map((tool) => Reflect.get(tool.function, "parameters"));
      const refusal = schemas.map(refusalOf).find((reason) => reason !== undefined);
      if (refusal !== undefined) return errorReply(400, refusal);
      if (messages.at(-1)?.role === "tool") return reply().text("Done.");
      return reply().toolCall("mcp__odd__required", { a: "x" });
    });
    const session = await openSession(server);
    const completion = await session.run("Hello", "run-1");
    expect(completion).toMatchObject({ status: "succeeded", text: "Done." });
    expect(await resultsOf(session)).toEqual(["did required"]);
    const names = provider.turnRequests[0]?.body.tools?.map((tool) => tool.function.name);
    const usable = Object.keys(listed).filter((name) => name !== "list");
    expect(names?.filter((name) => name.startsWith("mcp__"))).toEqual(
      usable.map((name) => `mcp__odd__${name}`).sort(),
    );
  });

  it("gets no more tools than it takes, the built-in ones among them", async () => {
    const tools = Array.from({ length: 150 }, (_, n) => ({
      name: `t${n}`,
      inputSchema: { type: "object" },
    }));
    const { provider, server } = await start({
      mcpServers: { many: lister(tools), more: lister(tools.slice(0, 3)) },
    });
    provider.byDefault(() => {
      const count = provider.requests.at(-1)?.body.tools?.length ?? 0;
      return count > 128 ? errorReply(400, "too many tools") : reply().text("Done.");
    });
    const session = await openSession(server);
    expect(await session.run("Hello", "run-1")).toMatchObject({ status: "succeeded" });
    const sent = provider.turnRequests[0]?.body.tools?.map((tool) => tool.function.name) ?? [];
    expect(sent).toHaveLength(128);
    expect(sent.filter((name) => name.startsWith("mcp__more__"))).toHaveLength(3);
    expect(sent).toContain("task");
    expect(server.stderr).toContain("a provider takes no more");
  });
});

describe("a tool server of a session", () => {
  const namesIn = (request: LoopbackRequest | undefined) =>
    request?.body.tools?.map((tool) => tool.function.name) ?? [];

  it("is its alone, asks as any other, is stored nowhere, and ends with it", async () => {
    const [mark, configured] = [uniqueSeconds(), uniqueSeconds()];
    const { provider, server } = await start({ mcpServers: { docs: toolServer(configured) } });
    const questions: PermissionQuestion[] = [];
    server.onPermission = (question) => {
      questions.push(question);
      return { result: { decision: "allow" } };
    };
    const { workspaceId, ids } = await openSession(server, { permissionMode: "ask" });
    const secret = "kept-by-nobody";
    const own = { name: "own", ...toolServer(mark, { env: { OWN_TOKEN: secret } }) };
    const params = { workspaceId, sessionId: "s-own", title: "t", mcpServers: [own] };
    await server.call("createSession", params);
    provider.enqueue(
      reply().toolCall("mcp__own__variable", { name: "OWN_TOKEN" }, { id: "c1" }),
      reply().text("Done."),
    );
    const send = async (sessionId: string, runId: string) => {
      await server.call("sendMessage", { workspaceId, sessionId, prompt: "Go.", runId });
      return server.completion(runId);
    };
    expect((await send("s-own", "run-1")).text).toBe("Done.");
    expect(questions).toMatchObject([{ tool: "mcp__own__variable", sessionId: "s-own" }]);
    expect(namesIn(provider.turnRequests[0])).toContain("mcp__docs__echo");
    expect(processesWith(mark)).toHaveLength(1);
    await send(ids.sessionId, "run-2");
    expect(namesIn(provider.turnRequests.at(-1))).not.toContain("mcp__own__echo");
    await server.call("deleteSession", { workspaceId, sessionId: "s-own" });
    expect(processesWith(mark)).toEqual([]);
    expect(processesWith(configured)).toHaveLength(1);
  });

  it("ends with the workspace and with the server", async () => {
    for (const end of ["deleteWorkspace", "close"] as const) {
      const mark = uniqueSeconds();
      const { server } = await start({});
      const { workspaceId } = await openSession(server);
      const own = { name: "own", ...toolServer(mark) };
      const { id } = await server.call("createSession", { workspaceId, mcpServers: [own] });
      const params = { workspaceId, sessionId: id, prompt: "Hello", runId: "run-1" };
      await server.call("sendMessage", params);
      await server.completion("run-1");
      expect(processesWith(mark)).toHaveLength(1);
      if (end === "close") await server.close();
      else await server.call("deleteWorkspace", { workspaceId });
      expect(processesWith(mark)).toEqual([]);
    }
  });

  it.each([
    ["a name with a slash", [{ name: "a/b", command: "x" }]],
    ["no name", [{ command: "x" }]],
    [
      "two of one name",
      [
        { name: "a", command: "x" },
        { name: "a", url: "https://e.test/" },
      ],
    ],
    ["neither program nor address", [{ name: "a" }]],
    ["both", [{ name: "a", command: "x", url: "https://e.test/" }]],
    ["another scheme", [{ name: "a", url: "file:///etc/passwd" }]],
    ["a NUL", [{ name: "a", command: "x\0y" }]],
    ["a header of two lines", [{ name: "a", url: "https://e.test/", headers: { a: "b\nc: d" } }]],
  ])("is refused with %s, and no session is made", async (_, mcpServers) => {
    const { server } = await start({});
    const { workspaceId } = await openSession(server);
    const params = { workspaceId, sessionId: "s-bad", mcpServers };
    const refused = server.call("createSession", params as never);
    await expect(refused).rejects.toMatchObject({ error: { code: -32602 } });
    const { sessions } = await server.call("listSessions", { workspaceId });
    expect(sessions.map(({ id }) => id)).not.toContain("s-bad");
  });
});
