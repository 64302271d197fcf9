import { describe, expect, it } from "vitest";
import { RunBudget } from "../../src/agent/runBudget.js";
import { Deferred } from "../../src/base/deferred.js";
import { PermissionRefused } from "../../src/permissions/requirePermission.js";
import type { Permissions } from "../../src/permissions/types.js";
import { defineTool } from "../../src/tools/defineTool.js";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/tool.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { FakeModel, finish, says, toolCall } from "../helpers/fakeModel.js";

/** A tool that only reads. */
function reader(
  name: string,
  execute: (text: string, context: ToolContext) => Promise<ToolResult> | ToolResult,
): Tool {
  return { ...textTool(name, execute), readOnly: true };
}

/** A reply that calls tools: each is `name text`. */
function asks(...calls: readonly string[]) {
  const parts = calls.flatMap((call, index) => {
    const [name = "", text = ""] = call.split(" ");
    return toolCall(`c${index + 1}`, name, { text });
  });
  return [...parts, finish("tool-calls")];
}

/** The results of the first reply's calls, in their order. */
function resultsOf(turn: TestTurn) {
  return (turn.sink.messages[2]?.parts ?? []).filter((part) => part.type === "toolResult");
}

function statesOf(turn: TestTurn) {
  return (turn.sink.messages[1]?.parts ?? []).flatMap((part) =>
    part.type === "toolCall" ? [part.state] : [],
  );
}

/** A tool whose calls end when the test says so. */
function gatedReader(name: string) {
  const gates = new Map<string, Deferred<void>>();
  const began: string[] = [];
  const tool = reader(name, async (text, { signal, onOutput }) => {
    const gate = new Deferred<void>();
    gates.set(text, gate);
    began.push(text);
    signal.addEventListener("abort", () => gate.reject(signal.reason), { once: true });
    onOutput(`${text} `);
    await gate.promise;
    return { output: text };
  });
  return { tool, began, open: (text: string) => gates.get(text)?.resolve() };
}

/** Everything happens that waits for no gate; a reply streams over several turns of the loop. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

describe("calls that only read", () => {
  it("run side by side, with their results in the order of the calls", async () => {
    const turn = new TestTurn();
    const { tool, began, open } = gatedReader("look");
    const model = new FakeModel(asks("look a", "look b", "look c"), says("done"));
    const outcome = turn.run(model, { tools: [tool] });
    await rest();
    expect(began).toEqual(["a", "b", "c"]);
    open("c");
    await rest();
    expect(statesOf(turn)).toEqual(["running", "running", "completed"]);
    open("a");
    open("b");
    expect(await outcome).toMatchObject({ status: "succeeded", text: "done" });
    expect(resultsOf(turn).map(({ output }) => output)).toEqual(["a", "b", "c"]);
  });

  it("wait for a call that writes, and a call that writes waits for them", async () => {
    const turn = new TestTurn();
    const { tool, began, open } = gatedReader("look");
    const write = textTool("write", (text) => {
      began.push(`write ${text}`);
      return { output: text };
    });
    const reply = asks("look a", "look b", "write x", "write y", "look c");
    const outcome = turn.run(new FakeModel(reply, says("done")), { tools: [tool, write] });
    await rest();
    open("b");
    await rest();
    expect(began).toEqual(["a", "b"]);
    open("a");
    await rest();
    expect(began).toEqual(["a", "b", "write x", "write y", "c"]);
    open("c");
    expect(await outcome).toMatchObject({ status: "succeeded" });
    expect(resultsOf(turn).map(({ output }) => output)).toEqual(["a", "b", "x", "y", "c"]);
  });

  it("put their questions side by side", async () => {
    const turn = new TestTurn();
    const asked: string[] = [];
    const answer = new Deferred<void>();
    const permissions: Permissions = {
      check: async ({ toolCallId }, _signal, asks) => {
        asks?.();
        asked.push(toolCallId);
        await answer.promise;
        return { allowed: true };
      },
    };
    const model = new FakeModel(asks("visit a", "visit b"), says("done"));
    const outcome = turn.run(model, { tools: [visitor()], permissions });
    await rest();
    expect(asked).toEqual(["c1", "c2"]);
    expect(statesOf(turn)).toEqual(["pending", "pending"]);
    answer.resolve();
    expect(await outcome).toMatchObject({ status: "succeeded" });
  });

  it("are stopped with the turn when too many were denied, and no more begin", async () => {
    const turn = new TestTurn();
    const { tool, began } = gatedReader("look");
    const permissions: Permissions = {
      check: async () => ({ allowed: false, message: "The user denied it." }),
    };
    const visits = ["visit a", "visit b", "visit c"];
    const model = new FakeModel(asks("look a", ...visits, ...Array(6).fill("look b")));
    const limits = { maxSteps: 20, providerIdleSeconds: 300, maxDenials: 3, toolSeconds: 600 };
    const outcome = await turn.run(model, { tools: [tool, visitor()], permissions, limits });
    expect(outcome).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
      cause: "limit",
      denials: 3,
    });
    const results = resultsOf(turn).map(({ output }) => output);
    expect(results).toHaveLength(10);
    expect(results[0]).toBe("a \n\nStopped while it ran: the turn was ended.");
    expect(results.at(-1)).toBe("It was not run: the turn was stopped.");
    // Eight run at once: two could never begin.
    expect(began.length).toBeLessThanOrEqual(5);
  });

  it("are all cancelled with the turn, each with its result", async () => {
    const turn = new TestTurn();
    const { tool, open } = gatedReader("look");
    const model = new FakeModel(asks("look a", "look b", "look c"));
    const outcome = turn.run(model, { tools: [tool] });
    await rest();
    open("b");
    await rest();
    turn.cancel.abort();
    expect(await outcome).toMatchObject({ status: "cancelled" });
    expect(statesOf(turn)).toEqual(["cancelled", "completed", "cancelled"]);
    expect(resultsOf(turn).map(({ output }) => output)).toEqual([
      "a \n\nCancelled while it ran.",
      "b",
      "c \n\nCancelled while it ran.",
    ]);
  });

  it("leave a call that failed to itself", async () => {
    const turn = new TestTurn();
    const { tool, open } = gatedReader("look");
    const broken = reader("broken", () => Promise.reject(new Error("disk on fire")));
    const model = new FakeModel(asks("broken a", "look b", "nothing c"), says("done"));
    const outcome = turn.run(model, { tools: [tool, broken] });
    await rest();
    open("b");
    expect(await outcome).toMatchObject({ status: "succeeded" });
    expect(statesOf(turn)).toEqual(["failed", "completed", "failed"]);
  });

  it("warn of a repetition in the last result, whichever ended last", async () => {
    const turn = new TestTurn();
    const look = reader("look", async (text) => {
      if (text === "a") await rest();
      return { output: text };
    });
    const same = () => asks("look a", "look b");
    const model = new FakeModel(same(), same(), same(), says("done"));
    expect(await turn.run(model, { tools: [look] })).toMatchObject({ status: "succeeded" });
    const last = turn.sink.messages.filter(({ role }) => role === "tool").at(-1)?.parts ?? [];
    expect(last).toMatchObject([
      { output: "a" },
      { output: expect.stringMatching(/^b\n\nYou have made this call 3 times/) },
    ]);
  });
});

describe("a budget of model calls", () => {
  it("gives the last call away once", () => {
    const budget = new RunBudget({ steps: { most: 1, field: "limits.maxSteps" } });
    expect(budget.take()).toBe(true);
    expect(budget.take()).toBe(false);
    budget.giveBack();
    expect(budget.take()).toBe(true);
  });
});

/** A tool that reads and asks first. */
function visitor(): Tool {
  const inner = reader("visit", async (text, context) => {
    const subject = { kind: "tool", value: "visit" } as const;
    const need = { tool: "visit", action: "read", description: "", subject, input: {} } as const;
    const { toolCallId } = context;
    const verdict = await context.permissions.check({ ...need, toolCallId }, context.signal);
    if (!verdict.allowed) throw new PermissionRefused(verdict.message);
    return { output: text };
  });
  return defineTool(inner);
}
