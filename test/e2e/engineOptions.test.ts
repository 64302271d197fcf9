// What a run, a session and the configuration ask of an engine: it is done, or refused by its name.
import { afterAll, describe, expect, it } from "vitest";
import type { RunOptions } from "../../src/protocol/objects/runOptions.js";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";
import type { WireSession } from "../helpers/wireSession.js";

afterAll(endHouses);

async function runWith(session: WireSession, prompt: string, runId: string, options: RunOptions) {
  await session.server.call("sendMessage", { ...session.params(prompt, runId), options });
  return session.server.completion(runId);
}

const select = (id: string, category: string, values: readonly string[]) => ({
  id,
  name: id,
  category,
  type: "select",
  currentValue: values[0],
  options: values.map((value) => ({ value, name: value })),
});

const usage = (amount: number) =>
  `update ${JSON.stringify({ sessionUpdate: "usage_update", used: 5, size: 9, cost: { amount, currency: "USD" } })}`;

describe.concurrent("options of a run with an engine", () => {
  it("are refused by their names where the agent cannot follow them", async () => {
    const session = await new EngineHouse().open();
    const { server, workspaceId, ids } = session;
    const scripted = { provider: "scripted", model: "big" };
    const refused: [string, RunOptions][] = [
      ["limits.steps", { limits: { steps: 3 } }],
      ["limits.tokens", { limits: { tokens: 3, seconds: 5 } }],
      ["outputSchema", { outputSchema: { type: "object" } }],
      ["model.temperature", { model: { ...scripted, temperature: 1 } }],
      ["model.topP", { model: { ...scripted, topP: 1 } }],
      ["model.maxTokens", { model: { ...scripted, maxTokens: 1 } }],
    ];
    for (const [path, options] of refused) {
      const issues = (name: string) => ({
        code: -32602,
        data: {
          issues: [{ path: `${name}.${path}`, message: expect.stringContaining("scripted") }],
        },
      });
      const sent = { ...ids, prompt: "say a", runId: path, options };
      expect(await server.fail("sendMessage", sent)).toMatchObject(issues("options"));
      const made = { workspaceId, defaults: options };
      expect(await server.fail("createSession", made)).toMatchObject(issues("defaults"));
    }
    const other = {
      ...ids,
      prompt: "a",
      runId: "o",
      options: { model: { provider: "offline", model: "offline" } },
    };
    expect(await server.fail("sendMessage", other)).toMatchObject({
      data: { name: "ModelNotConfigured" },
    });
  });

  it("bound its time and its cost", async () => {
    const session = await new EngineHouse().open();
    // The start of the program counts too.
    await session.run("say warm", "r-0");
    const bounded = (seconds: number, costUsd: number) => ({ limits: { seconds, costUsd } });
    expect(await runWith(session, "say a\nhang", "r-1", bounded(2, 9))).toMatchObject({
      status: "failed",
      errorName: "TimeLimit",
      cause: "limit",
      text: "a",
      warnings: [expect.stringContaining("limits.costUsd was not kept")],
    });
    const dear = `${usage(1)}\nsay a\n${usage(3)}\nhang`;
    expect(await runWith(session, dear, "r-2", bounded(60, 2))).toMatchObject({
      status: "failed",
      errorName: "BudgetExceeded",
      error: expect.stringContaining("limits.costUsd: 2"),
      text: "a",
      usage: { cost: 3 },
    });
    // The session has cost 3 by now, this turn 1.
    const cheap = await runWith(session, usage(4), "r-3", bounded(60, 2));
    expect(cheap).toMatchObject({ status: "succeeded", usage: { cost: 1 } });
    expect(cheap.warnings ?? []).toEqual([]);
  });

  it("choose a model and how much it thinks, for one run", async () => {
    const session = {
      configOptions: [
        select("m", "model", ["small", "big"]),
        select("t", "thought_level", ["low", "high"]),
      ],
    };
    const house = new EngineHouse({ session });
    const opened = await house.open();
    const big = { provider: "scripted", model: "big", reasoningEffort: "high" };
    await runWith(opened, "say a", "r-1", { model: big });
    await opened.run("say b", "r-2");
    const chosen = house.seen.filter((line) => line.startsWith("set "));
    expect(chosen).toEqual(["set m big", "set t high", "set m small", "set t low"]);
    const odd = { model: { ...big, reasoningEffort: "most" } };
    expect(await runWith(opened, "say c", "r-3", odd)).toMatchObject({
      errorName: "ModelNotConfigured",
      error: expect.stringContaining("reasoning effort most; it has low, high"),
    });
  });

  it("tell instructions with the prompt, and behind a command", async () => {
    const house = new EngineHouse({ commands: [{ name: "go", description: "Goes" }] });
    const session = await house.open();
    await runWith(session, "say a", "r-1", { instructions: "Be brief." });
    expect(house.seen.at(-1)).toMatch(/Be brief\..*say a"$/);
    await runWith(session, "/go", "r-2", { instructions: "Be brief." });
    expect(house.seen.at(-1)).toMatch(/^prompt "\/go.*Be brief\./);
  });

  it("narrow by rules what the agent may do, and end what it did without asking", async () => {
    const session = await new EngineHouse({}, { permissions: { deny: ["read:secret"] } }).open();
    const tools = { allow: ["bash:ls *", "read"], deny: ["bash:ls -a*"] };
    const prompt = ["ls b", "ls -a", "make"].map((line) => `command ${line}`).join("\n");
    expect(await runWith(session, prompt, "r-1", { tools })).toMatchObject({
      status: "succeeded",
      denials: 2,
    });
    const done = (kind: string, more: object) =>
      `tool ${JSON.stringify({ toolCallId: `c-${Math.random()}`, title: kind, kind, status: "completed", ...more })}`;
    const allowed = [
      done("read", { locations: [{ path: "a" }] }),
      done("think", { title: "Task" }),
      done("execute", { rawInput: { command: "ls x" } }),
    ].join("\n");
    expect(await runWith(session, allowed, "r-2", { tools })).toMatchObject({
      status: "succeeded",
    });
    const forbidden = done("execute", { rawInput: { command: "make" } });
    expect(await runWith(session, `say a\n${forbidden}\nhang`, "r-3", { tools })).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
      error: expect.stringMatching(/used execute \(execute\) without asking/),
      denials: 1,
    });
    // Without rules of the run, those of the configuration hold.
    expect(await session.run(forbidden, "r-4")).toMatchObject({ status: "succeeded" });
    const secret = done("read", { locations: [{ path: "secret" }] });
    expect(await session.run(secret, "r-5")).toMatchObject({ errorName: "PermissionDenied" });
  });
});

describe.concurrent("tool servers of an engine", () => {
  const stdio = { command: "server", args: ["-x"], env: { TOKEN: "s3cret-token" } };
  const http = { url: "http://127.0.0.1:9/mcp", headers: { authorization: "Bearer x" } };
  const toldStdio = (name: string) => ({
    name,
    command: "server",
    args: ["-x"],
    env: [{ name: "TOKEN", value: "s3cret-token" }],
  });

  it("are those of the configuration and of the session", async () => {
    const capabilities = { mcpCapabilities: { http: true } };
    const house = new EngineHouse({ capabilities }, { mcpServers: { a: stdio, b: http } });
    const { server, workspaceId, path } = await house.open();
    const own = { workspaceId, title: "t", mcpServers: [{ name: "b", ...stdio }] };
    const { id } = await server.call("createSession", own);
    const session = await house.open("allow", id);
    expect(session.path).toBe(path);
    expect(await session.run("say a", "r")).toMatchObject({ status: "succeeded" });
    const told = house.seen.find((line) => line.startsWith("servers"))?.slice("servers ".length);
    expect(JSON.parse(told ?? "")).toEqual([toldStdio("a"), toldStdio("b")]);
    const other = await session.another();
    await other.run("say a", "r-2");
    const headers = [{ name: "authorization", value: "Bearer x" }];
    const last = house.seen.filter((line) => line.startsWith("servers")).at(-1);
    expect(JSON.parse(last?.slice("servers ".length) ?? "")).toEqual([
      toldStdio("a"),
      { type: "http", name: "b", url: http.url, headers },
    ]);
    const error = { code: 1, message: "no s3cret-token" };
    const failed = await session.run(`fail ${JSON.stringify(error)}`, "r-3");
    expect(failed.error).toContain("no [redacted]");
  });

  it("are told again when they have changed", async () => {
    const told = { capabilities: { sessionCapabilities: { close: {} } } };
    const house = new EngineHouse(told);
    const session = await house.open();
    await session.run("say a", "r-1");
    house.configure(told, { mcpServers: { a: stdio } });
    expect(await session.run("say b", "r-2")).toMatchObject({ text: "b" });
    await session.run("say c", "r-3");
    const opening = house.seen.filter((line) => /^(start|servers|close|load)/.test(line));
    expect(opening.map((line) => line.split(" ")[0])).toEqual([
      "start",
      "servers",
      "close",
      "load",
      "servers",
    ]);
    expect(opening.at(-1)).toContain('"name":"a"');
    expect(JSON.stringify(await session.messages())).not.toContain("REPLAYED");
  });

  it("over HTTP are told to be missing where the agent has no HTTP", async () => {
    const house = new EngineHouse({}, { mcpServers: { b: http } });
    const { server, workspaceId, ...session } = await house.open();
    await server.call("sendMessage", {
      workspaceId,
      sessionId: session.sessionId,
      prompt: "say a",
      runId: "r",
    });
    expect(await server.completion("r")).toMatchObject({
      status: "succeeded",
      warnings: [expect.stringContaining("so it does not have b")],
    });
    const own = { workspaceId, title: "t", mcpServers: [{ name: "c", ...http }] };
    const { id } = await server.call("createSession", own);
    await server.call("sendMessage", { workspaceId, sessionId: id, prompt: "say a", runId: "r-2" });
    expect(await server.completion("r-2")).toMatchObject({
      status: "failed",
      errorName: "EngineFailed",
      error: expect.stringContaining("mcpServers"),
    });
  });

  it("of the client's own kind are told not to be offered", async () => {
    const session = await new EngineHouse().open();
    const tool = { name: "mine", description: "d", inputSchema: { type: "object" } };
    await session.server.call("setTools", { tools: [tool] });
    expect(await session.run("say a", "r")).toMatchObject({
      warnings: [expect.stringContaining("not offered the tools of the client")],
    });
  });
});

describe.concurrent("permissions of an engine", () => {
  it("are granted for good, beyond the session", async () => {
    const house = new EngineHouse();
    const session = await house.open("ask");
    const choices: unknown[] = [];
    session.server.onPermission = (asked) => {
      choices.push(asked.choices);
      return { result: { decision: "allowAlways" } };
    };
    await session.run("command make", "r-1");
    await (await session.another()).run("command make", "r-2");
    await session.server.close();
    house.start();
    const again = await house.open("ask", session.sessionId);
    expect(await again.run("command make", "r-3")).toMatchObject({ status: "succeeded" });
    expect(choices).toEqual([expect.arrayContaining(["allowAlways"])]);
  });

  it("ask for the end of a plan, and go on in the workspace's mode", async () => {
    const modes = {
      currentModeId: "default",
      availableModes: ["default", "plan"].map((id) => ({ id, name: id })),
    };
    const house = new EngineHouse({ session: { modes } });
    const session = await house.open("allow");
    const asked: unknown[] = [];
    session.server.onPermission = (question) => {
      asked.push([question.tool, question.action, question.description]);
      return { result: { decision: "allow" } };
    };
    const leave = {
      toolCallId: "p",
      title: "Ready?",
      kind: "switch_mode",
      rawInput: { plan: "Do it." },
    };
    const prompt = `command make\nask ${JSON.stringify(leave)}\ncommand make it`;
    const run = await runWith(session, prompt, "r", { permissionMode: "plan" });
    expect(run).toMatchObject({ status: "succeeded", text: "[yes]", denials: 1 });
    expect(asked).toEqual([["exitPlan", "leavePlan", "Do it."]]);
    expect(house.seen).toContain("mode plan");
  });
});

describe.concurrent("the own mode of an engine", () => {
  const modes = (...ids: string[]) => ({
    modes: { currentModeId: ids[0], availableModes: ids.map((id) => ({ id, name: id })) },
  });
  const set = (house: EngineHouse) => house.seen.filter((line) => /^(mode|set) /.test(line));

  it.each([
    [["auto", "default", "plan"], "default"],
    [["agent", "read-only", "full"], "read-only"],
  ])("of %j is the one in which it asks", async (ids, asking) => {
    const house = new EngineHouse({ session: modes(...ids) });
    const session = await house.open("allow");
    await session.run("say a", "r-1");
    await session.run("say b", "r-2");
    expect(set(house)).toEqual([`mode ${asking}`]);
  });

  it("is left where none is known to ask, and taken from the configuration where that names one", async () => {
    const told = { session: modes("build", "yolo", "default") };
    const plain = new EngineHouse({ session: modes("build", "yolo") });
    await (await plain.open()).run("say a", "r");
    expect(set(plain)).toEqual([]);
    const house = new EngineHouse(told);
    house.configure(told, {}, { mode: "yolo" });
    const session = await house.open();
    await session.run("say a", "r-1");
    expect(set(house)).toEqual(["mode yolo"]);
    house.configure(told, {}, { mode: "none" });
    expect(await session.run("say b", "r-2")).toMatchObject({
      errorName: "ConfigInvalid",
      error: expect.stringContaining("no mode none; it has build, yolo, default"),
    });
  });

  it("for plans may be an option, beside the modes too", async () => {
    const address = "https://agentclientprotocol.com/protocol/session-modes#";
    const options = [
      [select("mode", "mode", [`${address}agent`, `${address}plan`])],
      [
        select("mode", "mode", ["read-only"]),
        select("c", "collaboration_mode", ["default", "plan"]),
      ],
    ];
    const chosen = [
      [`set mode ${address}plan`, `set mode ${address}agent`],
      ["set c plan", "set c default"],
    ];
    for (const [index, configOptions] of options.entries()) {
      const house = new EngineHouse({ session: { configOptions } });
      const session = await house.open("allow");
      await runWith(session, "say a", "r-1", { permissionMode: "plan" });
      await session.run("say b", "r-2");
      expect(set(house)).toEqual(chosen[index]);
    }
  });
});

describe.concurrent("what an engine tells beside its answer", () => {
  it("is a warning of the completion, unless it only informs", async () => {
    const session = await new EngineHouse().open();
    const notice = (severity: string, title: string) =>
      `update ${JSON.stringify({ sessionUpdate: "notice", severity, title, description: "why" })}`;
    const run = await session.run(`${notice("info", "A")}\nsay a\n${notice("warning", "B")}`, "r");
    expect(run).toMatchObject({ text: "a", warnings: ["B: why"] });
  });

  it("is a command in the title alone: deny rules count, allow rules do not", async () => {
    const permissions = { allow: ["bash:ls *", "bash:rm *"], deny: ["bash:rm *"] };
    const session = await new EngineHouse({}, { permissions }).open("ask");
    const asked: string[] = [];
    session.server.onPermission = ({ tool, description }) => {
      asked.push(`${tool} ${description}`);
      return { result: { decision: "allowForSession" } };
    };
    const call = (title: string) =>
      `ask ${JSON.stringify({ toolCallId: title, title, kind: "execute" })}`;
    const prompt = ["ls a", "rm a", "ls a", "ls b"].map(call).join("\n");
    expect(await session.run(prompt, "r")).toMatchObject({
      text: "[yes][no][yes][yes]",
      denials: 1,
    });
    // What is granted for the session is this line alone.
    expect(asked).toEqual(["execute Run: ls a", "execute Run: ls b"]);
  });
});

describe.concurrent("a prompt that joins the turn of an engine", () => {
  const call = { toolCallId: "c", title: "T", kind: "other", status: "in_progress" };
  const ended = { sessionUpdate: "tool_call_update", toolCallId: "c", status: "completed" };
  const steering = { _meta: { steering: { supported: true } } };

  /** A turn whose call ends only when the prompt that joins is accepted. */
  async function join(house: EngineHouse, then: string) {
    const session = await house.open("ask");
    const { server } = session;
    const joined: Promise<unknown>[] = [];
    server.onPermission = async () => {
      const prompt = {
        ...session.params("say joined", "r-2"),
        options: { whenBusy: "join" as const },
      };
      await server.call("sendMessage", prompt);
      return { result: { decision: "allow" } };
    };
    const lines = [
      `tool ${JSON.stringify(call)}`,
      "command make",
      `update ${JSON.stringify(ended)}`,
    ];
    await session.send([...lines, then].join("\n"), "r-1");
    joined.push(server.completion("r-1"), server.completion("r-2"));
    return { session, runs: await Promise.all(joined) };
  }

  it("is handed to an agent that can be steered", async () => {
    const house = new EngineHouse({ initialize: steering });
    const { session, runs } = await join(house, "steered");
    expect(runs).toMatchObject([
      { status: "succeeded", text: "say joined" },
      { status: "succeeded", text: "say joined", joined: {} },
    ]);
    const roles = (await session.messages()).map(({ role }) => role);
    expect(roles).toEqual(["user", "assistant", "tool", "user", "assistant"]);
    expect(house.seen.filter((line) => line.startsWith("prompt"))).toHaveLength(1);
  });

  it.each([
    ["refuses it", { error: { code: 1, message: "no" } }],
    ["has just ended", { result: { outcome: "promptRequired" } }],
  ])("is sent as a prompt in the same turn where the agent %s", async (_, told) => {
    const house = new EngineHouse({ initialize: steering, steering: told });
    const { runs } = await join(house, "say first");
    expect(runs).toMatchObject([{ text: "joined" }, { text: "joined", joined: {} }]);
    expect(house.seen.filter((line) => line.startsWith("prompt")).at(-1)).toBe(
      'prompt "say joined"',
    );
  });

  it("waits in the queue where the agent cannot be steered", async () => {
    const house = new EngineHouse();
    const { runs } = await join(house, "say first");
    expect(runs).toMatchObject([{ text: "first" }, { text: "joined" }]);
    expect(runs[1]).not.toHaveProperty("joined");
  });
});
