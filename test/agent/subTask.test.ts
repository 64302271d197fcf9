import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { taskTool } from "../../src/agent/subTask.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import type { Limits } from "../../src/config/types.js";
import type { PermissionNeed, Permissions } from "../../src/permissions/types.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { createTools, ToolResources } from "../../src/tools/index.js";
import type { ToolContext } from "../../src/tools/tool.js";
import { allowAll, fakeInfo } from "../helpers/agentTurn.js";
import { calls, FakeModel, finish, says, text } from "../helpers/fakeModel.js";
import { ManualClock } from "../helpers/manualClock.js";
import { MemorySink } from "../helpers/memorySink.js";

let workspace: string;

beforeEach(async () => {
  workspace = await realpath(await mkdtemp(join(tmpdir(), "turnwire-task-")));
  onTestFinished(() => rm(workspace, { recursive: true, force: true }));
});

/** The tool in a turn whose model is a fake, and what it does to its child session. */
class Bench {
  readonly sink = new MemorySink();
  readonly titles: string[] = [];
  readonly forgotten: string[] = [];
  readonly cancel = new AbortController();
  readonly #model: FakeModel;
  readonly #limits: Limits;

  constructor(model: FakeModel, limits: { readonly maxDenials?: number } = {}) {
    this.#model = model;
    this.#limits = {
      maxSteps: 3,
      providerIdleSeconds: 300,
      maxDenials: 5,
      ...limits,
      toolSeconds: 600,
    };
  }

  run(prompt = "Find it.", permissions: Permissions = allowAll) {
    const surroundings = { clock: new ManualClock(), ids: randomIds, log: silentLog };
    const resources = new ToolResources({
      ...surroundings,
      host: new ProcessHost(surroundings),
      outputDirectory: join(workspace, "..", "none"),
    });
    const tool = taskTool({
      turn: {
        model: {
          info: fakeInfo,
          selected: { provider: "fake", model: "fake-1" },
          load: async () => this.#model,
        },
        limits: this.#limits,
        autoSummarize: false,
        tools: createTools({ resources }),
        systemPrompt: (tools) => `Tools: ${tools.map(({ name }) => name).join(", ")}.`,
      },
      ports: surroundings,
      openChild: (title) => {
        this.titles.push(title);
        return { sessionId: "child", sink: this.sink };
      },
      forgetSession: async (sessionId) => void this.forgotten.push(sessionId),
    });
    return tool.execute({ description: "look around", prompt }, this.#context(permissions));
  }

  #context(permissions: Permissions): ToolContext {
    return {
      workspacePath: workspace,
      sessionId: "parent",
      toolCallId: "call_task",
      permissions,
      env: {},
      signal: this.cancel.signal,
      onOutput: () => {},
    };
  }
}

test("the sub-agent reads and searches, and its last message is the result", async () => {
  await writeFile(join(workspace, "a.txt"), "needle\n");
  const model = new FakeModel(calls("c1", "read", { path: "a.txt" }), says("It is in a.txt:1."));
  const bench = new Bench(model);
  expect(await bench.run()).toEqual({ output: "It is in a.txt:1." });
  expect(bench.titles).toEqual(["look around"]);
  expect(bench.sink.roles).toEqual(["user", "assistant", "tool", "assistant"]);
  const result = bench.sink.messages[2]?.parts[0];
  expect(result).toMatchObject({ type: "toolResult", isError: false });
  expect(result).toMatchObject({ output: expect.stringContaining("needle") });
  expect(bench.sink.usages).toHaveLength(2);
  expect(bench.forgotten).toEqual(["child"]);
});

test("it has the tools that read, and is told so; it knows nothing of the conversation", async () => {
  const model = new FakeModel(says("Done."));
  await new Bench(model).run("Look.");
  const [call] = model.calls;
  expect(call?.tools?.map(({ name }) => name)).toEqual(["read", "ls", "glob", "grep"]);
  expect(call?.prompt).toMatchObject([
    {
      role: "system",
      content: expect.stringMatching(/^Tools: read, ls, glob, grep\.\n\n# Your t/),
    },
    { role: "user", content: [{ type: "text", text: "Look." }] },
  ]);
});

test.each(["bash", "write", "edit", "fetch", "task", "mcp__docs__search"])(
  "it cannot call %s",
  async (name) => {
    const bench = new Bench(new FakeModel(calls("c1", name, {}), says("I could not.")));
    expect(await bench.run()).toEqual({ output: "I could not." });
    expect(bench.sink.messages[2]?.parts[0]).toMatchObject({
      output: expect.stringContaining(`There is no tool "${name}".`),
      isError: true,
    });
  },
);

test("a question is put for the call of the task, which is what a person sees", async () => {
  const needs: PermissionNeed[] = [];
  const model = new FakeModel(calls("c1", "read", { path: "/etc/hostname" }), says("Denied."));
  const check: Permissions["check"] = async (need) => {
    needs.push(need);
    return { allowed: false, message: "The user said no." };
  };
  expect(await new Bench(model).run("Look.", { check })).toEqual({ output: "Denied." });
  expect(needs).toMatchObject([{ toolCallId: "call_task", tool: "read", action: "read" }]);
});

test("a failure is a result that the model can do something about", async () => {
  const loop = Array.from({ length: 3 }, (_, n) => calls(`c${n}`, "ls", { path: "." }));
  expect(await new Bench(new FakeModel(...loop)).run()).toEqual({
    output: "The task failed: The turn was ended after 3 model calls (limits.maxSteps).",
    isError: true,
  });
});

test("denials that end it are a denial of the turn's own", async () => {
  const asks = Array.from({ length: 2 }, (_, n) => calls(`c${n}`, "read", { path: `/etc/${n}` }));
  const bench = new Bench(new FakeModel(...asks), { maxDenials: 2 });
  const check: Permissions["check"] = async () => ({ allowed: false, message: "No." });
  expect(await bench.run("Look.", { check })).toEqual({
    output: "The task failed: The turn was ended after 2 denied permissions in a row.",
    isError: true,
    denied: true,
  });
});

test("a report that says nothing is told to be that, and a long one is cut", async () => {
  const silent = new FakeModel([
    { ...finish(), finishReason: { unified: "stop", raw: "end_turn" } },
  ] as LanguageModelV3StreamPart[]);
  expect(await new Bench(silent).run()).toEqual({ output: "(no report)" });
  const long = new FakeModel([...text("x".repeat(60_000)), finish()]);
  const { output } = await new Bench(long).run();
  expect(output).toMatch(/^x{50000}\n\[Cut after 50,000 characters; there is more\.\]$/);
});

test("a cancel of the turn ends it, and what it wrote is finished", async () => {
  const bench = new Bench(new FakeModel(() => bench.cancel.abort(new Error("cancelled")) ?? []));
  await expect(bench.run()).rejects.toThrow("cancelled");
  expect(bench.sink.last.finished?.reason).toBe("cancelled");
  expect(bench.forgotten).toEqual(["child"]);
});
