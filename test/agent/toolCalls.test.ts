import { describe, expect, it } from "vitest";
import { z } from "zod";
import { runTurn } from "../../src/agent/runTurn.js";
import type { Log } from "../../src/base/log.js";
import { silentLog } from "../../src/base/log.js";
import type { Permissions } from "../../src/permissions/types.js";
import type { Tool } from "../../src/tools/tool.js";
import { TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel, finish, says, toolCall } from "../helpers/fakeModel.js";

/** The result and the call's state after a model's one call of a tool. */
async function resultOf(turn: TestTurn, tools: readonly Tool[], name: string, input: unknown) {
  const outcome = await turn.run(new FakeModel(calls("c1", name, input), says("done")), { tools });
  expect(outcome).toMatchObject({ status: "succeeded", text: "done" });
  const [call] = turn.sink.messages[1]?.parts ?? [];
  const [result] = turn.sink.messages[2]?.parts ?? [];
  if (call?.type !== "toolCall" || result?.type !== "toolResult") throw new Error("no call");
  return { ...result, state: call.state };
}

const echo = textTool("echo", (said) => ({ output: said }));

describe("tool calls", () => {
  it("answers a call of an unknown tool with the tools that there are", async () => {
    const result = await resultOf(new TestTurn(), [echo], "Echo", { text: "a" });
    expect(result).toMatchObject({ isError: true, state: "failed" });
    expect(result.output).toBe(
      'There is no tool "Echo". Did you mean "echo"? The tools are: echo.',
    );
  });

  it("answers malformed JSON with what to do instead, and keeps what the model wrote", async () => {
    const turn = new TestTurn();
    const result = await resultOf(turn, [echo], "echo", '{"text": ');
    expect(result).toMatchObject({ isError: true, state: "failed" });
    expect(result.output).toContain("not valid JSON");
    expect(turn.sink.messages[1]?.parts[0]).toMatchObject({ input: '{"text": ' });
  });

  it.each([
    ["nested 6,000 deep", `{"text": ${"[".repeat(6_000)}${"]".repeat(6_000)}}`, /200 levels/],
    ["nested 201 deep", `{"text": ${"[".repeat(200)}${"]".repeat(200)}}`, /200 levels/],
    [
      "longer than any work needs",
      JSON.stringify({ text: "x".repeat(4_200_000) }),
      /smaller pieces/,
    ],
  ])(
    "answers an input that is %s with what to do instead, and keeps its beginning",
    async (_, input, words) => {
      const turn = new TestTurn();
      const result = await resultOf(turn, [echo], "echo", input);
      expect(result).toMatchObject({ isError: true, state: "failed" });
      expect(result.output).toMatch(words);
      expect(turn.sink.messages[1]?.parts[0]).toMatchObject({ input: input.slice(0, 10_000) });
    },
  );

  it("names every field of an input that does not fit", async () => {
    const tool: Tool = {
      name: "edit",
      description: "",
      inputSchema: z.object({ path: z.string(), edits: z.array(z.object({ line: z.number() })) }),
      execute: () => Promise.reject(new Error("must not run")),
    };
    const result = await resultOf(new TestTurn(), [tool], "edit", { edits: [{ line: "3" }] });
    expect(result.output).toMatch(/- path: .*string[\s\S]*- edits\.0\.line: .*number/);
    expect(result.output).toContain("call it again");
  });

  it("takes no input at all for the empty object", async () => {
    const ping: Tool = {
      name: "ping",
      description: "",
      inputSchema: z.object({}),
      execute: async (input) => ({ output: JSON.stringify(input) }),
    };
    expect(await resultOf(new TestTurn(), [ping], "ping", "")).toMatchObject({ output: "{}" });
  });

  it("gives the tool the input as its schema made it", async () => {
    const tool: Tool<{ times: number }> = {
      name: "count",
      description: "",
      inputSchema: z.object({ times: z.number().default(3) }),
      execute: async ({ times }) => ({ output: String(times) }),
    };
    const given: Tool = {
      ...tool,
      execute: (input, context) => tool.execute(tool.inputSchema.parse(input), context),
    };
    expect(await resultOf(new TestTurn(), [given], "count", {})).toMatchObject({ output: "3" });
  });

  it("answers an unexpected error with its message, and logs it", async () => {
    const turn = new TestTurn();
    const logged: unknown[] = [];
    const log: Log = { ...silentLog, error: (fields) => logged.push(fields) };
    const broken = textTool("broken", () => Promise.reject(new Error("disk on fire")));
    const model = new FakeModel(calls("c1", "broken", { text: "a" }), says("done"));
    await runTurn(turn.input(model, { tools: [broken] }), { ...turn.ports, log });
    expect(turn.sink.messages[2]?.parts[0]).toMatchObject({
      output: "The tool failed unexpectedly: disk on fire",
      isError: true,
    });
    expect(logged).toEqual([{ tool: "broken", error: "disk on fire" }]);
  });

  it("runs one call after another, and shows how far each has come", async () => {
    const turn = new TestTurn();
    const order: string[] = [];
    const slow = textTool("slow", async (said) => {
      order.push(`${said} begins`);
      await new Promise<void>((resolve) => setImmediate(resolve));
      order.push(`${said} ends`);
      return { output: said };
    });
    const both = [
      ...toolCall("c1", "slow", { text: "1" }),
      ...toolCall("c2", "slow", { text: "2" }),
    ];
    await turn.run(new FakeModel([...both, finish("tool-calls")], says("done")), { tools: [slow] });
    expect(order).toEqual(["1 begins", "1 ends", "2 begins", "2 ends"]);
    const states = turn.sink.journal.filter(
      (line) => line.startsWith("m2 set") || line.startsWith("m3 add"),
    );
    expect(states).toEqual([
      "m2 set toolCall pending",
      "m2 set toolCall pending",
      "m3 add toolResult",
      "m2 set toolCall running",
      "m2 set toolCall completed",
      "m3 add toolResult",
      "m2 set toolCall running",
      "m2 set toolCall completed",
    ]);
  });

  it.each([
    ["pending again while its permission is being asked", true],
    ["not pending again where nobody is asked", false],
  ])("is %s", async (_, isAsked) => {
    const turn = new TestTurn();
    const permissions: Permissions = {
      check: async (_need, _signal, asks) => {
        if (isAsked) asks?.();
        turn.sink.journal.push("checked");
        return { allowed: true };
      },
    };
    const asking = textTool("asking", async (_, context) => {
      const subject = { kind: "tool", value: "asking" } as const;
      const need = { toolCallId: "c1", tool: "asking", action: "write", description: "", subject };
      await context.permissions.check({ ...need, input: {} }, context.signal);
      return { output: "ok" };
    });
    const model = new FakeModel(calls("c1", "asking", { text: "a" }), says("done"));
    await turn.run(model, { tools: [asking], permissions });
    expect(turn.sink.journal.filter((line) => /^checked|set toolCall/.test(line))).toEqual([
      "m2 set toolCall pending",
      "m2 set toolCall running",
      ...(isAsked ? ["m2 set toolCall pending"] : []),
      "checked",
      ...(isAsked ? ["m2 set toolCall running"] : []),
      "m2 set toolCall completed",
    ]);
  });

  it("streams output, which the result replaces; what comes after it is not heard", async () => {
    const turn = new TestTurn();
    let late = () => {};
    const talking = textTool("talking", async (_, { onOutput }) => {
      onOutput("one ");
      onOutput("two");
      late = () => onOutput("too late");
      return { output: "all of it", diff: "--- a\n+++ b\n" };
    });
    const result = await resultOf(turn, [talking], "talking", { text: "a" });
    late();
    expect(result).toMatchObject({ output: "all of it", diff: "--- a\n+++ b\n", isError: false });
    expect(turn.sink.journal.filter((line) => line === "m3 append toolResult")).toHaveLength(2);
  });

  it("of a reply that broke off in the first of two run in the order of the reply", async () => {
    const turn = new TestTurn();
    const heard: string[] = [];
    const noting = textTool("noting", (said) => {
      heard.push(said);
      return { output: said };
    });
    const [begins, ...rest] = toolCall("c1", "noting", '{"text": "never whole');
    if (begins === undefined) throw new Error("no call");
    const reply = [begins, ...rest.slice(0, 2), ...toolCall("c2", "noting", { text: "whole" })];
    const model = new FakeModel([...reply, finish("tool-calls")], says("done"));
    await turn.run(model, { tools: [noting] });
    const results = turn.sink.messages[2]?.parts ?? [];
    expect(results).toMatchObject([
      { toolCallId: "c1", isError: true, output: expect.stringContaining("broke off") },
      { toolCallId: "c2", isError: false, output: "whole" },
    ]);
    expect(heard).toEqual(["whole"]);
  });

  it("tells a tool where it works", async () => {
    const seen: unknown[] = [];
    const looking = textTool("looking", (_, { workspacePath, sessionId, toolCallId, env }) => {
      seen.push({ workspacePath, sessionId, toolCallId, env });
      return { output: "" };
    });
    await resultOf(new TestTurn(), [looking], "looking", { text: "a" });
    expect(seen).toEqual([
      { workspacePath: "/workspace", sessionId: "s1", toolCallId: "c1", env: {} },
    ]);
  });
});
