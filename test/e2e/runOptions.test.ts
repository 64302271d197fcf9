// protocol.md section 4, Options of a run: what a client asks of one run, and of every run of a session.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import type { ParamsInput, PermissionQuestion } from "../../src/protocol/index.js";
import { reply } from "../helpers/loopbackProvider.js";
import {
  Gate,
  type LoopbackServer,
  occupy,
  startLoopbackServer,
  turnRequest,
} from "../helpers/loopbackServer.js";
import {
  endServers,
  makeFolder,
  type ServerProcess,
  startServer,
} from "../helpers/serverProcess.js";
import { beginStubbornTurn } from "../helpers/stubbornTool.js";
import { openSession, WireSession } from "../helpers/wireSession.js";

type Options = NonNullable<ParamsInput<"sendMessage">["options"]>;

const touch = (name: string) => `@tool bash ${JSON.stringify({ command: `: > ${name}` })}`;
const made = (session: WireSession, name: string) => existsSync(join(session.path, name));
const asked = (session: WireSession, prompt: string, runId: string, options: Options) => ({
  ...session.params(prompt, runId),
  options,
});

async function run(session: WireSession, prompt: string, runId: string, options: Options) {
  await session.server.call("sendMessage", asked(session, prompt, runId, options));
  return session.server.completion(runId);
}

/** A session with defaults in the workspace of another. */
async function withDefaults({ server, workspaceId, path }: WireSession, defaults: Options) {
  const params = { workspaceId, title: "with defaults", defaults };
  return new WireSession(
    server,
    workspaceId,
    (await server.call("createSession", params)).id,
    path,
  );
}

/** A server with a configuration of its own, and the embedded model. */
function configured(config: object): ServerProcess {
  const file = join(makeFolder(), "config.json");
  writeFileSync(file, JSON.stringify(config));
  return startServer({ env: { TURNWIRE_CONFIG: file } });
}

let loopback: LoopbackServer;
let server: ServerProcess;
beforeAll(async () => {
  const models = [{ id: "loop-1", contextWindow: 128_000 }, { id: "loop-2" }];
  loopback = await startLoopbackServer();
  const config = loopback.provider.config() as { providers: { loopback: object } };
  Object.assign(config.providers.loopback, { models });
  writeFileSync(loopback.configFile, JSON.stringify(config));
  server = loopback.server;
});
afterAll(async () => {
  await endServers();
  await loopback.provider.close();
});

const second = { provider: "loopback", model: "loop-2" };
const requestOf = async (index: number) =>
  (await turnRequest(loopback.provider, index)).body as unknown as {
    model: string;
    messages: { role: string; content: unknown }[];
    tools?: { function: { name: string } }[];
  };
const next = () => loopback.provider.turnRequests.length;

describe("`model` and `instructions`", () => {
  it("are the run's alone, also beside another run of the workspace", async () => {
    const session = await openSession(server);
    const other = await session.another();
    const index = next();
    const gate = new Gate(loopback.provider);
    loopback.provider.enqueue(reply().gate(gate.opened).text("a"), reply().text("b"));
    const options = { model: second, instructions: "Answer in one word." };
    await server.call("sendMessage", asked(session, "one", "own-1", options));
    await gate.reached();
    await other.run("two", "own-2");
    gate.open();
    await server.completion("own-1");
    await session.run("three", "own-3");
    const [one, two, three] = await Promise.all([index, index + 1, index + 2].map(requestOf));
    expect([one, two, three].map((request) => request?.model)).toEqual([
      "loop-2",
      "loop-1",
      "loop-1",
    ]);
    const systems = [one, two, three].map((request) => String(request?.messages[0]?.content));
    expect(systems[0]?.endsWith("\n\nAnswer in one word.")).toBe(true);
    expect(systems.slice(1).join()).not.toContain("Answer in one word.");
    const { modelConfig } = await server.call("getAgentInfo", { workspaceId: session.workspaceId });
    expect(modelConfig).toEqual({ provider: "loopback", model: "loop-1" });
  });

  it("stay with a run while it is queued", async () => {
    const session = await openSession(server);
    const gate = await occupy(session, loopback.provider, "first-q");
    const index = next();
    await server.call("sendMessage", asked(session, "later", "kept-q", { model: second }));
    gate.open();
    await server.completion("kept-q");
    expect((await requestOf(index)).model).toBe("loop-2");
  });

  it("keep a prompt without a `runId` from joining the turn of another", async () => {
    const session = await openSession(server);
    const gate = await occupy(session, loopback.provider, "first-j");
    const { workspaceId, sessionId } = session;
    const params = { workspaceId, sessionId, prompt: "apart", options: { model: second } };
    expect(await server.call("sendMessage", params)).toEqual({ state: "accepted" });
    const index = next();
    gate.open();
    expect((await server.completion("first-j")).foldedPrompts).toBe(0);
    expect((await requestOf(index)).model).toBe("loop-2");
    await server.event("agentFinished", { sessionId });
  });
});

describe("`tools`", () => {
  it("narrows one run, and what can never be allowed is not offered", async () => {
    const session = await openSession(server);
    const index = next();
    loopback.provider.enqueue(
      reply().toolCall("bash", { command: "mkdir a" }).toolCall("bash", { command: "mkdir b" }),
    );
    const tools = { allow: ["read", "bash:mkdir *"], deny: ["bash:mkdir b"] };
    await run(session, "go", "tools-1", { tools });
    expect([made(session, "a"), made(session, "b")]).toEqual([true, false]);
    const names = (await requestOf(index)).tools?.map((tool) => tool.function.name);
    expect(names).toEqual(["read", "bash"]);
    await session.run("go on", "tools-2");
    expect((await requestOf(next() - 1)).tools?.length).toBeGreaterThan(8);
  });

  it("holds in a sub-task, and for what searches find", async () => {
    const session = await openSession(startServer());
    writeFileSync(join(session.path, "open.txt"), "needle one");
    writeFileSync(join(session.path, "secret.txt"), "needle two");
    const search = `@tool grep ${JSON.stringify({ pattern: "needle" })}`;
    const task = `@tool task ${JSON.stringify({ description: "look", prompt: search })}`;
    const options = { tools: { deny: ["read:secret.txt", "bash"] } };
    await run(session, `${task}\n${search}\n${touch("a")}`, "tools-3", options);
    const { sessions } = await session.server.call("listSessions", session.ids);
    expect(sessions).toHaveLength(2);
    for (const { id: sessionId } of sessions) {
      const { workspaceId } = session;
      const told = await session.server.call("listMessages", { workspaceId, sessionId });
      const text = JSON.stringify(told);
      expect(text).toContain("needle one");
      expect(text).not.toContain("needle two");
    }
    expect(made(session, "a")).toBe(false);
  });

  it("is `InvalidParams` where a rule is none, by its place", async () => {
    const session = await openSession(server);
    const params = asked(session, "x", "tools-4", { tools: { deny: ["bash", ":x"] } });
    expect(await server.fail("sendMessage", params)).toMatchObject({
      data: { name: "InvalidParams", issues: [{ path: "options.tools.deny.1" }] },
    });
    const { workspaceId } = session;
    const defaults = { tools: { allow: [""] } };
    expect(await server.failure("createSession", { workspaceId, defaults })).toBe("InvalidParams");
  });
});

describe("`limits`", () => {
  const loop = (times: number) =>
    Array.from(
      { length: times },
      (_, n) => `@tool ls ${JSON.stringify({ path: `./${"./".repeat(n)}` })}`,
    );

  it("`steps` ends the run, the smaller of option and configuration counts, and sub-tasks do", async () => {
    const session = await openSession(configured({ limits: { maxSteps: 3 } }));
    const limited = (runId: string, steps: number, script: string) =>
      run(session, script, runId, { limits: { steps } });
    expect(await limited("steps-1", 2, ["@say begun", ...loop(4)].join("\n"))).toMatchObject({
      status: "failed",
      errorName: "StepLimit",
      cause: "limit",
      error: expect.stringContaining("limits.steps"),
    });
    expect(await limited("steps-2", 9, loop(4).join("\n"))).toMatchObject({
      error: expect.stringContaining("3 model calls (limits.maxSteps)"),
    });
    expect(await limited("steps-3", 2, loop(1).join("\n"))).toMatchObject({ status: "succeeded" });
    const task = `@tool task ${JSON.stringify({ description: "t", prompt: loop(1).join("\n") })}`;
    expect(await limited("steps-4", 3, task)).toMatchObject({ errorName: "StepLimit" });
    expect(JSON.stringify(await session.messages())).toContain("begun");
  });

  it("`tokens` and `costUsd` end the run before its next model call", async () => {
    const provider = { type: "offline", models: [{ id: "dear", costPerMillionOutput: 100_000 }] };
    const server = configured({ providers: { offline: provider } });
    const session = await openSession(server);
    const script = ["@say one two three four five six seven eight nine ten", ...loop(3)].join("\n");
    for (const [runId, limits] of [
      ["cost-1", { costUsd: 0.5 }],
      ["cost-2", { tokens: 20 }],
    ] as const) {
      const completion = await run(session, script, runId, { limits });
      expect(completion).toMatchObject({
        status: "failed",
        errorName: "BudgetExceeded",
        cause: "limit",
      });
      expect(completion.usage?.completionTokens).toBeGreaterThan(9);
    }
    const enough = { limits: { costUsd: 1e6, tokens: 1e9 } };
    expect(await run(session, script, "cost-3", enough)).toMatchObject({ status: "succeeded" });
  });

  it("`seconds` ends the run in the middle of a model call and of a command", async () => {
    const session = await openSession(startServer());
    for (const [runId, script] of [
      ["time-1", "@say so far\n@wait 600000"],
      ["time-2", `@tool bash ${JSON.stringify({ command: "echo begun; sleep 600" })}`],
    ] as const) {
      expect(await run(session, script, runId, { limits: { seconds: 3 } })).toMatchObject({
        status: "failed",
        cancelled: false,
        errorName: "TimeLimit",
        cause: "limit",
      });
    }
    const text = JSON.stringify(await session.messages());
    expect(text).toContain("so far");
    expect(text).toContain("begun");
    expect(await session.run("@say still here", "time-3")).toMatchObject({ text: "still here" });
  });

  it("of the configuration hold for a run without its own, are told by getRun, and no option raises them", async () => {
    const provider = { type: "offline", models: [{ id: "dear", costPerMillionOutput: 100_000 }] };
    const script = ["@say one two three four five six seven eight nine ten", ...loop(3)].join("\n");
    for (const [configName, name, bound, errorName] of [
      ["maxCostUsd", "costUsd", 0.5, "BudgetExceeded"],
      ["maxTokens", "tokens", 20, "BudgetExceeded"],
      ["maxSeconds", "seconds", 1, "TimeLimit"],
    ] as const) {
      const server = configured({
        providers: { offline: provider },
        limits: { [configName]: bound },
      });
      const session = await openSession(server);
      const prompt = errorName === "TimeLimit" ? "@wait 600000" : script;
      const relaxed = await withDefaults(session, { limits: { [name]: bound + 600 } });
      for (const [from, runId, options] of [
        [session, "none", {}],
        [session, "higher", { limits: { [name]: bound + 600 } }],
        [relaxed, "default", {}],
      ] as const) {
        expect(await run(from, prompt, runId, options)).toMatchObject({
          status: "failed",
          errorName,
          cause: "limit",
          error: expect.stringContaining(`limits.${configName}`),
        });
        const { workspaceId } = session;
        expect(await server.call("getRun", { workspaceId, runId })).toMatchObject({
          options: { limits: { [name]: bound } },
        });
        // The bounds of the configuration are no part of what was sent.
        const again = await server.call("sendMessage", asked(from, prompt, runId, options));
        expect(again).toMatchObject({ duplicate: true });
      }
    }
  });

  it("of a run that are smaller hold, and are told", async () => {
    const server = configured({ limits: { maxTokens: 1_000_000, maxSteps: 3 } });
    const session = await openSession(server);
    const { workspaceId } = session;
    const ended = await run(session, ["@say a b c", ...loop(2)].join("\n"), "small", {
      limits: { tokens: 5, steps: 9 },
    });
    expect(ended).toMatchObject({ error: expect.stringContaining("(limits.tokens: 5)") });
    expect((await server.call("getRun", { workspaceId, runId: "small" })).options?.limits).toEqual({
      tokens: 5,
      steps: 3,
    });
  });

  it("`seconds` does not count the wait for a permission", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "ask" });
    server.onPermission = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5_500));
      return { result: { decision: "allow" } };
    };
    expect(await run(session, touch("a"), "time-4", { limits: { seconds: 5 } })).toMatchObject({
      status: "succeeded",
    });
    expect(made(session, "a")).toBe(true);
  });
});

describe("a run that waits in a paused queue", () => {
  it("has its options in the next server, too", async () => {
    const dataDir = makeFolder();
    const path = makeFolder();
    const before = startServer({ dataDir });
    const session = await openSession(before, { path });
    await before.call("pauseQueue", session.ids);
    const options: Options = { permissionMode: "deny", tools: { deny: ["write"] } };
    await before.call("sendMessage", asked(session, touch("a"), "paused", options));
    await before.kill();
    const after = startServer({ dataDir });
    await openSession(after, { path });
    await after.call("resumeQueue", session.ids);
    const { workspaceId } = session;
    const ended = await after.call("waitRun", { workspaceId, runId: "paused" });
    expect(ended).toMatchObject({ status: "succeeded", denials: 1 });
    expect(made(session, "a")).toBe(false);
    expect(await after.call("getRun", { workspaceId, runId: "paused" })).toMatchObject({ options });
  });
});

describe("`whenBusy: reject`", () => {
  it("is `SessionBusy` behind a running turn, also as a default, and leaves no trace", async () => {
    const first = await openSession(server);
    const session = await withDefaults(first, { whenBusy: "reject" });
    const { workspaceId } = session;
    const gate = await occupy(session, loopback.provider, "first-r");
    expect(await server.failure("sendMessage", session.params("x", "busy-r"))).toBe("SessionBusy");
    expect(await server.failure("sendMessage", session.params("x"))).toBe("SessionBusy");
    expect(await server.failure("getRun", { workspaceId, runId: "busy-r" })).toBe("RunNotFound");
    const queued = asked(session, "x", "queued-r", { whenBusy: "queue" });
    expect(await server.call("sendMessage", queued)).toMatchObject({ state: "accepted" });
    gate.open();
    await server.completion("queued-r");
    expect(await session.run("x", "busy-r")).toMatchObject({ status: "succeeded" });
  });
});

describe("`defaults` of a session", () => {
  it("hold for its runs, an option of a run wins, and `getRun` tells what holds", async () => {
    const first = await openSession(server);
    const defaults = { model: second, instructions: "Be brief." };
    const session = await withDefaults(first, defaults);
    const { workspaceId } = session;
    const index = next();
    await session.run("one", "def-1");
    await run(session, "two", "def-2", { instructions: "Be long." });
    expect((await requestOf(index)).model).toBe("loop-2");
    const told = async (runId: string) =>
      (await server.call("getRun", { workspaceId, runId })).options;
    expect(await told("def-1")).toEqual(defaults);
    expect(await told("def-2")).toEqual({ model: second, instructions: "Be long." });
    await first.run("three", "def-3");
    expect(await server.call("getRun", { workspaceId, runId: "def-3" })).not.toHaveProperty(
      "options",
    );
    expect(await session.send("one", "def-1")).toMatchObject({ duplicate: true });
  });

  it("are checked where they are set", async () => {
    const { workspaceId } = await openSession(server);
    const model = { provider: "loopback", model: "none" };
    const params = { workspaceId, sessionId: "never-made", defaults: { model } };
    expect(await server.failure("createSession", params)).toBe("ModelNotConfigured");
    expect(await server.failure("getSession", { workspaceId, sessionId: "never-made" })).toBe(
      "SessionNotFound",
    );
  });
});

describe("a `runId` that comes again", () => {
  it("is a duplicate with the same options in any order, and a conflict with others", async () => {
    const session = await openSession(server);
    const model = { provider: "loopback", model: "loop-2", temperature: 1 };
    await run(session, "hello", "same", { model, instructions: "x" });
    const again = JSON.parse(
      '{"instructions":"x","model":{"temperature":1.0,"model":"loop-2","provider":"loopback"}}',
    );
    const send = (options: object | undefined, runId = "same") =>
      server.ask("sendMessage", { ...session.params("hello", runId), ...defined({ options }) });
    expect(await send(again)).toMatchObject({ result: { duplicate: true, state: "completed" } });
    for (const other of [undefined, {}, { model }, { ...again, instructions: "y" }]) {
      expect(await send(other)).toMatchObject({ error: { data: { name: "RunIdConflict" } } });
    }
    await session.run("hello", "plain");
    expect(await send({}, "plain")).toMatchObject({ result: { duplicate: true } });
    expect(await send({ unknown: 1 }, "plain")).toMatchObject({
      error: { data: { name: "RunIdConflict" } },
    });
  });

  it("is the same in the next server, and with what this version does not know", async () => {
    const dataDir = makeFolder();
    const path = makeFolder();
    const options = { instructions: "x", later: { a: 1 } };
    const before = startServer({ dataDir });
    const session = await openSession(before, { path });
    await before.call("sendMessage", { ...session.params("@say hi", "kept"), options });
    await before.completion("kept");
    await before.close();
    const after = startServer({ dataDir });
    await openSession(after, { path });
    const again = { ...session.params("@say hi", "kept"), options };
    expect(await after.call("sendMessage", again)).toMatchObject({ duplicate: true });
    const { workspaceId } = session;
    expect(await after.call("getRun", { workspaceId, runId: "kept" })).toMatchObject({ options });
  });
});

describe("where two things are wrong, the first of the contract's order is told", () => {
  const model = { provider: "loopback", model: "none" };
  const wrong = { model };

  it("a known `runId` before the closing of the workspace, and that before what is attached", async () => {
    const session = await openSession(server);
    const { workspaceId } = session;
    const turn = await beginStubbornTurn(session, loopback.provider, "order-a");
    const attachments = [{ path: "missing.txt" }];
    server.send(
      server.request("deleteWorkspace", { workspaceId }, "closing-a"),
      server.request("sendMessage", session.params("other", "order-a"), "conflict-a"),
      server.request("sendMessage", session.params("run it", "order-a"), "duplicate-a"),
      server.request("sendMessage", { ...session.params("x", "new-a"), attachments }, "new-a"),
    );
    expect(await server.answer("conflict-a")).toMatchObject({ error: { code: 1010 } });
    expect(await server.answer("duplicate-a")).toMatchObject({ result: { duplicate: true } });
    expect(await server.answer("new-a")).toMatchObject({ error: { code: 1002 } });
    turn.release();
    await server.answer("closing-a");
  });

  it("the session before the `runId`, and the `runId` before its options", async () => {
    const session = await openSession(server);
    await session.run("hello", "order-b");
    const elsewhere = { ...session.params("hello", "order-b"), sessionId: "elsewhere" };
    expect(await server.failure("sendMessage", elsewhere)).toBe("SessionNotFound");
    const params = asked(session, "hello", "order-b", wrong);
    expect(await server.failure("sendMessage", params)).toBe("RunIdConflict");
  });

  it("attachments before the model, and the model before a session that is taken", async () => {
    const session = await openSession(server);
    const attachments = [{ path: "missing.txt" }];
    const params = { ...asked(session, "x", "order-c", wrong), attachments };
    expect(await server.failure("sendMessage", params)).toBe("InvalidParams");
    const gate = await occupy(session, loopback.provider, "order-d");
    const queued = Array.from({ length: 1000 }, (_, index) =>
      session.prompt(`q ${index}`, `q${index}`),
    );
    server.send(...queued);
    const full = asked(session, "x", "order-c", {});
    expect(await server.failure("sendMessage", full)).toBe("QueueFull");
    const unknown = asked(session, "x", "order-c", wrong);
    expect(await server.failure("sendMessage", unknown)).toBe("ModelNotConfigured");
    await server.call("clearQueue", session.ids);
    gate.open();
    await server.completion("order-d");
    // What was refused was never there.
    const { workspaceId } = session;
    expect(await server.failure("getRun", { workspaceId, runId: "order-c" })).toBe("RunNotFound");
    expect(await run(session, "x", "order-c", {})).toMatchObject({ status: "succeeded" });
  });

  it("the shape of options before everything else", async () => {
    const params = { workspaceId: "none", sessionId: "", prompt: "", options: { model: "x" } };
    expect(await server.fail("sendMessage", params)).toMatchObject({
      data: { name: "InvalidParams", issues: [{ path: "options.model" }] },
    });
  });
});

describe("`permissionMode`", () => {
  it("is the run's, and the workspace's stays", async () => {
    const session = await openSession(startServer(), { permissionMode: "deny" });
    await run(session, touch("a"), "mode-1", { permissionMode: "allow" });
    await session.run(touch("b"), "mode-2");
    expect([made(session, "a"), made(session, "b")]).toEqual([true, false]);
    const { workspaceId } = session;
    expect(await session.server.call("getWorkspace", { workspaceId })).toMatchObject({
      permissionMode: "deny",
    });
  });

  it("`acceptEdits` lets files of the workspace be written, and asks for the rest", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "ask" });
    const write = `@tool write ${JSON.stringify({ path: "new.txt", content: "x" })}`;
    server.onPermission = () => ({ result: { decision: "deny" } });
    await run(session, `${write}\n${touch("a")}`, "edits", { permissionMode: "acceptEdits" });
    expect([made(session, "new.txt"), made(session, "a")]).toEqual([true, false]);
  });

  it("is no more than the configuration allows, asked for or not", async () => {
    const server = configured({ permissions: { maxMode: "ask" } });
    const session = await openSession(server, { permissionMode: "allow" });
    const { workspaceId } = session;
    server.onPermission = () => ({ result: { decision: "deny" } });
    const params = asked(session, touch("a"), "most-1", { permissionMode: "allow" });
    expect(await server.fail("sendMessage", params)).toMatchObject({
      data: { name: "InvalidParams", issues: [{ path: "options.permissionMode" }] },
    });
    const defaults = { permissionMode: "acceptEdits" } as const;
    expect(await server.failure("createSession", { workspaceId, defaults })).toBe("InvalidParams");
    const mode = { workspaceId, mode: "allow" } as const;
    expect(await server.failure("setPermissionMode", mode)).toBe("InvalidParams");
    expect(await server.call("getWorkspace", { workspaceId })).toMatchObject({
      permissionMode: "ask",
    });
    await session.run(touch("a"), "most-2");
    expect(made(session, "a")).toBe(false);
    await run(session, touch("a"), "most-3", { permissionMode: "deny" });
    expect(made(session, "a")).toBe(false);
  });
});

describe("the mode `plan`", () => {
  const plan = `@tool exitPlan ${JSON.stringify({ plan: "1. Make the file a." })}`;

  it("changes nothing until the plan is accepted, and goes on in the workspace's mode", async () => {
    const server = startServer();
    const session = await openSession(server, { permissionMode: "allow" });
    const questions: PermissionQuestion[] = [];
    server.onPermission = (question) => {
      questions.push(question as PermissionQuestion);
      return { result: { decision: "allow" } };
    };
    const script = `@tool ls {}\n${touch("early")}\n${plan}\n${touch("a")}\n@say done`;
    expect(await run(session, script, "plan-1", { permissionMode: "plan" })).toMatchObject({
      status: "succeeded",
      text: "done",
    });
    expect([made(session, "early"), made(session, "a")]).toEqual([false, true]);
    expect(questions).toEqual([
      expect.objectContaining({
        tool: "exitPlan",
        action: "leavePlan",
        description: "1. Make the file a.",
        runId: "plan-1",
      }),
    ]);
  });

  it("stays where the plan is refused, or nobody answers", async () => {
    for (const decision of ["deny", undefined] as const) {
      const server = startServer();
      const session = await openSession(server, { permissionMode: "allow" });
      const answer = decision === undefined ? {} : { decision, message: "Not like this." };
      server.onPermission = () => ({ result: answer });
      await run(session, `${plan}\n${touch("a")}`, "plan-2", { permissionMode: "plan" });
      expect(made(session, "a")).toBe(false);
    }
  });

  it("offers what reads, `exitPlan` and a sub-task; every other mode offers no `exitPlan`", async () => {
    const session = await openSession(server);
    const index = next();
    await run(session, "look", "plan-3", { permissionMode: "plan" });
    await session.run("look", "plan-4");
    const names = async (at: number) =>
      (await requestOf(at)).tools?.map((tool) => tool.function.name) ?? [];
    expect(await names(index)).toEqual([
      ...["read", "ls", "glob", "grep", "fetch", "todos", "jobOutput", "task", "exitPlan"],
    ]);
    expect(await names(index + 1)).toEqual(expect.arrayContaining(["bash", "write", "edit"]));
    expect(await names(index + 1)).not.toContain("exitPlan");
  });

  it("holds where a deny rule keeps the plan from being asked about", async () => {
    const server = configured({ permissions: { deny: ["exitPlan"] } });
    const session = await openSession(server, { permissionMode: "allow" });
    server.onPermission = () => ({ result: { decision: "allow" } });
    await run(session, `${plan}\n${touch("a")}`, "plan-5", { permissionMode: "plan" });
    expect(made(session, "a")).toBe(false);
    expect(server.frames.some(({ method }) => method === "requestPermission")).toBe(false);
  });
});
