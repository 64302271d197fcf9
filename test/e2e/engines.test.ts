import { afterAll, describe, expect, it } from "vitest";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import type { WireSession } from "../helpers/wireSession.js";

afterAll(endHouses);

type Part = Awaited<ReturnType<WireSession["messages"]>>[number]["parts"][number];

async function partsOf<T extends Part["type"]>(
  session: WireSession,
  type: T,
): Promise<Extract<Part, { type: T }>[]> {
  const all = (await session.messages()).flatMap(({ parts }) => parts);
  return all.filter((part): part is Extract<Part, { type: T }> => part.type === type);
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function untilDead(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe.concurrent("a cancelled turn of an engine", () => {
  it("ends when the agent answers, which stays warm", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    await session.send("say so far\nhang", "r-1");
    await session.server.event("messageDelta");
    await session.cancel();
    expect(await session.server.completion("r-1")).toMatchObject({
      status: "cancelled",
      text: "so far",
    });
    await session.run("say again", "r-2");
    expect(house.seen.filter((line) => line.startsWith("start"))).toHaveLength(1);
  });
});

describe.concurrent("the choice of an engine", () => {
  it("is told, and refused where there is none or the folder is open with another", async () => {
    const house = new EngineHouse();
    const { server, path } = house;
    const session = await house.open();
    const { workspaceId } = session;
    expect(await server.call("getAgentInfo", { workspaceId })).toMatchObject({
      engine: "scripted",
      isReady: true,
    });
    expect(await server.fail("createWorkspace", { path, engine: "turnwire" })).toMatchObject({
      code: 1028,
      data: { name: "EngineConflict" },
    });
    expect(await server.call("createWorkspace", { path })).toMatchObject({ id: workspaceId });
    for (const engine of ["other", "constructor"]) {
      expect(await server.fail("createWorkspace", { path: house.folder, engine })).toMatchObject({
        code: 1027,
        data: { name: "EngineNotFound" },
      });
    }
    await server.call("deleteWorkspace", { workspaceId });
    expect(await server.call("createWorkspace", { path, engine: "turnwire" })).toMatchObject({
      agent: { engine: "turnwire" },
    });
  });
});

describe.concurrent("a turn of an engine", () => {
  it("tells texts, thoughts, calls, plans and the context as ours", async () => {
    const session = await new EngineHouse().open();
    const call = { toolCallId: "c1", title: "Edit a", kind: "edit", rawInput: { path: "a" } };
    const done = {
      sessionUpdate: "tool_call_update",
      toolCallId: "c1",
      status: "completed",
      content: [
        { type: "content", content: { type: "text", text: "edited" } },
        { type: "diff", path: "a", oldText: "x\n", newText: "y\n" },
      ],
    };
    const plan = { sessionUpdate: "plan", entries: [{ content: "p", status: "in_progress" }] };
    const usage = {
      sessionUpdate: "usage_update",
      used: 50,
      size: 900,
      cost: { amount: 0.5, currency: "USD" },
    };
    const completion = await session.run(
      [
        "think hm",
        "say one ",
        "say two",
        `tool ${JSON.stringify(call)}`,
        `update ${JSON.stringify(done)}`,
        `update ${JSON.stringify(plan)}`,
        `update ${JSON.stringify(usage)}`,
        "say end",
      ].join("\n"),
      "r",
    );
    expect(completion).toMatchObject({ status: "succeeded", text: "end", usage: { cost: 0.5 } });
    expect(await partsOf(session, "reasoning")).toMatchObject([{ text: "hm" }]);
    expect(await partsOf(session, "text")).toMatchObject([
      {},
      { text: "one two" },
      { text: "end" },
    ]);
    expect(await partsOf(session, "toolCall")).toMatchObject([
      { toolCallId: "c1", name: "edit", input: { path: "a" }, state: "completed" },
    ]);
    expect(await partsOf(session, "toolResult")).toMatchObject([
      { output: "edited", isError: false, diff: expect.stringContaining("-x\n+y") },
    ]);
    expect((await partsOf(session, "finish")).map(({ reason }) => reason)).toEqual([
      "toolUse",
      "endTurn",
    ]);
    expect(await session.server.call("getSession", session.ids)).toMatchObject({
      todos: [{ text: "p", status: "inProgress" }],
      contextTokens: 50,
      contextWindow: 900,
    });
  });

  it("stands what is no message, too long, foreign, late or told twice", async () => {
    const session = await new EngineHouse().open();
    const odd = "garbage\nhuge 5000000\nforeign no\nwrongIds\nmethod\nsay yes\ntwice";
    expect(await session.run(odd, "r-1")).toMatchObject({
      status: "succeeded",
      text: "[-32601]yes",
    });
    expect(await session.run("say a\nlate b", "r-2")).toMatchObject({ text: "a" });
    expect(await session.run("say c", "r-3")).toMatchObject({ text: "c" });
  });

  it("leaves nobody waiting for what is too long", async () => {
    const session = await new EngineHouse().open();
    const asked = await session.run("askLong 5000000\nsay on", "r-1");
    expect(asked).toMatchObject({ status: "succeeded", text: "[-32600]on" });
    expect(await session.run("answerLong 5000000", "r-2")).toMatchObject({
      status: "failed",
      errorName: "EngineFailed",
      error: expect.stringContaining("at most 4194304 bytes"),
    });
    expect(await session.run("say again", "r-3")).toMatchObject({ text: "again" });
  });

  it("ends as the agent says", async () => {
    const session = await new EngineHouse().open();
    const failed = { status: "failed" };
    const ends = {
      max_tokens: { status: "succeeded" },
      max_turn_requests: { ...failed, errorName: "StepLimit", cause: "limit" },
      refusal: { ...failed, errorName: "ContentFilter" },
      cancelled: { status: "cancelled" },
      nonsense: { ...failed, errorName: "EngineFailed" },
    };
    for (const [reason, end] of Object.entries(ends)) {
      const completion = await session.run(`say so far\nstop ${reason}`, reason);
      expect(completion).toMatchObject({ ...end, text: "so far" });
    }
  });
});

describe.concurrent("permissions of an engine", () => {
  it("pass our rules first, then the client", async () => {
    const permissions = { allow: ["bash:git status"], deny: ["bash:rm *", "write:secret"] };
    const house = new EngineHouse({}, { permissions });
    const session = await house.open("ask");
    const asked: string[] = [];
    session.server.onPermission = ({ description, tool }) => {
      asked.push(`${tool} ${description}`);
      return { result: { decision: description.includes("no") ? "deny" : "allow" } };
    };
    const secret = {
      toolCallId: "e",
      kind: "edit",
      title: "Edit",
      locations: [{ path: "secret" }],
    };
    const prompt = ["git status", "rm x", "make", "no"].map((line) => `command ${line}`);
    const run = await session.run([...prompt, `ask ${JSON.stringify(secret)}`].join("\n"), "r");
    expect(run).toMatchObject({ status: "succeeded", text: "[no]", denials: 3 });
    expect(asked).toEqual(["bash Run: make", "bash Run: no"]);
    const states = (await partsOf(session, "toolCall")).map(({ state }) => state);
    expect(states).toEqual(["completed", "denied", "completed", "denied", "denied"]);
  });

  it("are granted for a session by us, and cancelled with the turn", async () => {
    const session = await new EngineHouse().open("ask");
    let asked = 0;
    session.server.onPermission = () => {
      asked += 1;
      return asked === 1 ? { result: { decision: "allowForSession" } } : undefined;
    };
    await session.run("command make\ncommand make", "r-1");
    expect(asked).toBe(1);
    await session.send("command other", "r-2");
    await session.server.until(() => (asked === 2 ? true : undefined));
    await session.cancel();
    expect(await session.server.completion("r-2")).toMatchObject({ status: "cancelled" });
    expect((await partsOf(session, "toolCall")).at(-1)).toMatchObject({
      state: expect.stringMatching(/failed|cancelled/),
    });
  });

  it("are about the command that a call runs, whatever kind the agent gives it", async () => {
    const allow = ["bash:git status", "bash:rg *", "edit", "write", "fetch"];
    const house = new EngineHouse({}, { permissions: { allow, deny: ["bash:rm *"] } });
    const session = await house.open("ask");
    const asked: string[] = [];
    session.server.onPermission = ({ description }) => {
      asked.push(description);
      return { result: { decision: "deny" } };
    };
    const locations = [{ path: "a.txt" }];
    const long = `echo ${"x".repeat(2_000)}; evil`;
    const calls: [kind: string, rawInput: object, outcome: "allowed" | "denied" | "asked"][] = [
      ["read", {}, "allowed"],
      ["search", { command: "rg x" }, "allowed"],
      ["search", { command: ["rg", "x"] }, "allowed"],
      ["search", { command: "rg x; evil" }, "asked"],
      ["read", { command: ["bash", "-lc", "rm x"] }, "denied"],
      ["read", { cmd: "evil" }, "asked"],
      ["edit", { command: "evil" }, "asked"],
      ["edit", { command: "str_replace", path: "a.txt" }, "allowed"],
      ["edit", { command: "str_replace" }, "asked"],
      ["fetch", { url: "https://a.test/", command: "evil" }, "asked"],
      ["execute", { command: ["/bin/bash", "-lc", "git status"] }, "allowed"],
      ["execute", { command: ["./bash", "-lc", "git status"] }, "asked"],
      ["execute", { command: ["/ws/bin/sh", "-c", "git status"] }, "asked"],
      ["execute", { command: ["GIT_SSH=evil", "git", "status"] }, "asked"],
      ["execute", { command: long }, "asked"],
    ];
    const lines = calls.map(([kind, rawInput], at) => {
      const call = { toolCallId: `c${at}`, kind, title: `call ${at}`, locations, rawInput };
      return `ask ${JSON.stringify(call)}`;
    });
    for (const [at, [, , outcome]] of calls.entries()) {
      const before = asked.length;
      const { text } = await session.run(lines[at] ?? "", `r-${at}`);
      const was = asked.length > before ? "asked" : text === "[yes]" ? "allowed" : "denied";
      expect([at, was]).toEqual([at, outcome]);
    }
    expect(asked).toContain(`Run: ${long}`);
  });

  it("are decided anew where the agent uses the id of a call again that has ended", async () => {
    const permissions = { allow: ["bash:ls"], deny: ["bash:rm *"] };
    const session = await new EngineHouse({}, { permissions }).open("ask");
    const asked: string[] = [];
    session.server.onPermission = ({ description }) => {
      asked.push(description);
      return { result: { decision: "deny" } };
    };
    const call = (command: string) => ({
      toolCallId: "c",
      title: command,
      kind: "execute",
      rawInput: { command },
    });
    const ended = `update ${JSON.stringify({ sessionUpdate: "tool_call_update", toolCallId: "c", status: "completed" })}`;
    const asks = (command: string) => `ask ${JSON.stringify(call(command))}\n${ended}`;
    const run = await session.run([asks("ls"), asks("make"), asks("rm x")].join("\n"), "r-1");
    expect(run).toMatchObject({ status: "succeeded", text: "[yes][no][no]", denials: 2 });
    expect(asked).toEqual(["Run: make"]);
    expect(await partsOf(session, "toolCall")).toMatchObject([
      { input: { command: "ls" }, state: "completed" },
      { input: { command: "make" }, state: "denied" },
      { input: { command: "rm x" }, state: "denied" },
    ]);
    // What is done without asking is looked at too.
    const tells = (command: string) =>
      `tool ${JSON.stringify({ ...call(command), status: "in_progress" })}\n${ended}`;
    expect(await session.run(`${tells("ls")}\n${tells("rm x")}`, "r-2")).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
    });
  });

  it("are granted for good by us, for the whole line alone, as those of our own tools are", async () => {
    const house = new EngineHouse();
    const first = await house.open("ask");
    const asked: { description: string; choices: string[] }[] = [];
    const answer = ({ description, choices }: { description: string; choices: string[] }) => {
      asked.push({ description, choices });
      return { result: { decision: asked.length === 1 ? "allowAlways" : "deny" } };
    };
    first.server.onPermission = answer;
    await first.run("command make && make install", "r-1");
    expect(asked[0]?.choices).toContain("allowAlways");
    const second = await house.open("ask");
    second.server.onPermission = answer;
    const lines = ["make && make install", "make install", "make", "cd sub && make"];
    await second.run(lines.map((line) => `command ${line}`).join("\n"), "r-2");
    const told = asked.slice(1).map(({ description }) => description);
    expect(told).toEqual(["Run: make install", "Run: make", "Run: cd sub && make"]);
    expect(asked.at(-1)?.choices).not.toContain("allowAlways");
  });

  it("refuse everything in the mode `deny`, and what has no fitting option", async () => {
    const denying = await new EngineHouse().open("deny");
    expect(await denying.run("command make\nsay after", "r")).toMatchObject({
      text: "after",
      denials: 1,
    });
    const only = [{ optionId: "ever", name: "Always", kind: "reject_always" }];
    const session = await new EngineHouse({ options: only }).open("allow");
    const call = JSON.stringify({ toolCallId: "x", kind: "other", title: "x" });
    expect(await session.run(`ask ${call}`, "r")).toMatchObject({ text: "[cancelled]" });
  });

  it("are given for good where the agent offers nothing else, which the question tells", async () => {
    const options = ["allow_always", "reject_always"].map((kind) => ({
      optionId: kind,
      name: kind,
      kind,
    }));
    const session = await new EngineHouse({ options }).open("ask");
    const asked: string[] = [];
    session.server.onPermission = ({ description }) => {
      asked.push(description);
      return { result: { decision: asked.length === 1 ? "allow" : "deny" } };
    };
    const call = JSON.stringify({ toolCallId: "x", kind: "other", title: "Deploy" });
    const run = await session.run(`ask ${call}\nask ${call}`, "r");
    // Where the agent asks again, our rules and the user decide again.
    expect(run).toMatchObject({ text: "[allow_always][reject_always]", denials: 1 });
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatch(/^Deploy\n.*no way to allow this once.*may not ask again/);
    expect(run.warnings).toEqual([expect.stringMatching(/may not ask again .*: Deploy$/)]);
  });
});

describe.concurrent("an engine that fails", () => {
  it("fails the run with what was said, and the next prompt starts it anew", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    const seconds = uniqueSeconds();
    await session.run("say first", "r-0");
    const failed = await session.run(`child ${seconds}\nbare ${seconds}\nsay so far\nexit`, "r-1");
    expect(failed).toMatchObject({ status: "failed", errorName: "EngineFailed", text: "so far" });
    expect(failed.error).toMatch(/exit code 3.*the script says exit/s);
    expect(failed.error).not.toContain("s3cret-value");
    expect(await session.run("say again", "r-2")).toMatchObject({
      status: "succeeded",
      text: "again",
    });
    expect(house.seen.filter((line) => line === "load true")).toHaveLength(1);
    expect(house.seen.at(-1)).not.toContain("exit");
    expect(processesWith(seconds)).toEqual([]);
    expect(JSON.stringify(await session.messages())).not.toContain("REPLAYED");
  });

  it.each([
    [
      "wants a login",
      { newError: { code: -32000, message: "Authentication required" } },
      "ProviderAuth",
      /log in.*Log in on the web/,
    ],
    ["refuses to begin", { initError: { code: 1, message: "too old" } }, "EngineFailed", /too old/],
    ["speaks another version", { version: 7 }, "EngineFailed", /version 7/],
  ])("and %s", async (_, told, errorName, error) => {
    const session = await new EngineHouse(told).open();
    expect(await session.run("hi", "r")).toMatchObject({
      status: "failed",
      errorName,
      error: expect.stringMatching(error),
    });
  });

  it("by asking on without reading an answer: it is ended, and says so", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    expect(await session.run("say so far\naskOn", "r-1")).toMatchObject({
      status: "failed",
      errorName: "EngineFailed",
      error: expect.stringMatching(/asked on and did not read the answers, .* 8 MiB/),
      text: "so far",
    });
    await untilDead(house.agentPid);
    expect(await session.run("say again", "r-2")).toMatchObject({ status: "succeeded" });
  });

  it("with an error of its own", async () => {
    const session = await new EngineHouse().open();
    const details = "no quota for s3cret-value";
    const error = { code: -32603, message: "Internal error", data: { details } };
    const run = await session.run(`fail ${JSON.stringify(error)}`, "r");
    expect(run).toMatchObject({ status: "failed", errorName: "EngineFailed" });
    expect(run.error).toContain("Internal error: no quota for [redacted]");
  });

  it("is stopped with its whole tree when it sends nothing", async () => {
    const house = new EngineHouse({ stubborn: true }, { limits: { providerIdleSeconds: 1 } });
    const session = await house.open();
    const seconds = uniqueSeconds();
    const prompt = `child ${seconds}\nbare ${seconds}\nsay so far\ndeaf`;
    expect(await session.run(prompt, "r")).toMatchObject({
      status: "failed",
      errorName: "ProviderTimeout",
      text: "so far",
    });
    expect(isAlive(house.agentPid)).toBe(false);
    expect(processesWith(seconds)).toEqual([]);
    expect(await session.run("say again", "r-2")).toMatchObject({ text: "again" });
  });
});

describe.concurrent("the end of a server", () => {
  it("leaves no process of the engine, and the session goes on with the next", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    const seconds = uniqueSeconds();
    await session.run(`child ${seconds}\nbare ${seconds}\nsay one`, "r-1");
    await session.server.close();
    expect(isAlive(house.agentPid)).toBe(false);
    expect(processesWith(seconds)).toEqual([]);
    house.start();
    const again = await house.open("allow", session.sessionId);
    expect(await again.run("say two", "r-2")).toMatchObject({ status: "succeeded", text: "two" });
    expect(house.seen).toContain("load true");
    expect(JSON.stringify(await again.messages())).not.toContain("REPLAYED");
  });

  it("by SIGKILL in mid-turn: interrupted, the prompt is sent once, and the agent is gone", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    const seconds = uniqueSeconds();
    await session.send(`child ${seconds}\nbare ${seconds}\nsay so far\nhang`, "r-1");
    await session.server.event("messageDelta");
    const { agentPid } = house;
    await session.server.kill();
    await untilDead(agentPid);
    while (processesWith(seconds).length > 0) await new Promise((go) => setTimeout(go, 20));
    const server = house.start();
    await server.call("initialize", { protocolVersion: 1 });
    const again = await house.open("allow", session.sessionId);
    expect(
      await server.call("getRun", { workspaceId: again.workspaceId, runId: "r-1" }),
    ).toMatchObject({
      completion: { status: "interrupted" },
    });
    expect(await again.run("say two", "r-2")).toMatchObject({ text: "two" });
    expect(house.seen.filter((line) => /^prompt.*hang/.test(line))).toHaveLength(1);
  });
});

describe.concurrent("what an engine has and has not", () => {
  const model = {
    id: "model",
    category: "model",
    type: "select",
    currentValue: "small",
    options: [
      { value: "small", name: "S" },
      { value: "big", name: "B" },
    ],
  };

  it("takes a model of its own by setModel", async () => {
    const house = new EngineHouse({ session: { configOptions: [model] } });
    const session = await house.open();
    const { workspaceId, server } = session;
    const set = (provider: string, name: string) =>
      server.ask("setModel", { workspaceId, modelType: "large", model: { provider, model: name } });
    expect((await set("offline", "offline")).error?.data.name).toBe("ModelNotConfigured");
    expect((await set("scripted", "big")).result).toMatchObject({ model: { id: "big" } });
    await session.run("say a", "r-1");
    expect(house.seen).toContain("set model big");
    await set("scripted", "none");
    expect(await session.run("say a", "r-2")).toMatchObject({
      errorName: "ModelNotConfigured",
      error: expect.stringContaining("small, big"),
    });
  });

  it("summarises with a command of its own, or says that it has none", async () => {
    const without = await new EngineHouse().open();
    const refused = await without.server.ask("summarizeSession", { ...without.ids, runId: "s" });
    expect(JSON.stringify(refused)).toMatch(/no command/);
    const commands = [{ name: "compact", description: "Makes room" }];
    const house = new EngineHouse({ commands });
    const session = await house.open();
    await session.run("say a", "r");
    const { workspaceId } = session;
    const listed = await session.server.call("listCommands", { workspaceId });
    expect(listed.commands).toMatchObject([{ name: "compact", source: "engine" }]);
    await session.server.call("summarizeSession", { ...session.ids });
    expect(house.seen.at(-1)).toBe('prompt "/compact"');
    // The commands are known again before the first prompt after a restart.
    await session.server.close();
    house.start();
    const again = await house.open("allow", session.sessionId);
    await again.server.call("summarizeSession", { ...again.ids });
    expect(house.seen.slice(-3)).toEqual(["load true", "servers []", 'prompt "/compact"']);
  });

  it("is told in a new session what was said before a rewind", async () => {
    const house = new EngineHouse();
    const session = await house.open();
    await session.run("say one", "r-1");
    await session.run("say two", "r-2");
    await session.server.call("rewindSession", { ...session.ids, runId: "r-2" });
    const run = await session.run("say three", "r-3");
    expect(run.text).toBe("three");
    expect(house.seen.at(-1)).toMatch(/Assistant: one/);
    expect(house.seen.at(-1)).not.toMatch(/two/);
  });
});
