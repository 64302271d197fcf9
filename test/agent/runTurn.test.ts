import { describe, expect, it } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { prompt, TestTurn, textTool } from "../helpers/agentTurn.js";
import { calls, FakeModel, finish, says, text, toolCall } from "../helpers/fakeModel.js";

const echo = textTool("echo", (said) => ({ output: `echo ${said}` }));

describe("a turn", () => {
  it("stores the user's message, then the model's reply, and ends", async () => {
    const turn = new TestTurn();
    const outcome = await turn.run(new FakeModel(says("Hello", ", ", "world.")));
    expect(outcome).toEqual({ status: "succeeded", messageId: "m2", text: "Hello, world." });
    expect(turn.sink.messages.map(({ role, parts }) => ({ role, parts }))).toEqual([
      { role: "user", parts: [{ type: "text", text: "hello" }] },
      {
        role: "assistant",
        parts: [
          { type: "text", text: "Hello, world." },
          { type: "finish", reason: "endTurn" },
        ],
      },
    ]);
    expect(turn.sink.last.start).toMatchObject({ model: "fake-1", provider: "fake" });
    expect(turn.clock.pending).toBe(0);
  });

  it("tells that it has begun when the prompt is stored and no model was called", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("hi"));
    const seen: unknown[] = [];
    await turn.run(model, { onBegin: () => seen.push(turn.sink.roles, model.calls.length) });
    expect(seen).toEqual([["user"], 0]);
  });

  it("runs the tools that the model calls and gives their results back to it", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(calls("c1", "echo", { text: "one" }), says("done"));
    const outcome = await turn.run(model, { tools: [echo] });
    expect(outcome).toMatchObject({ status: "succeeded", text: "done", messageId: "m4" });
    expect(turn.sink.roles).toEqual(["user", "assistant", "tool", "assistant"]);
    expect(turn.sink.messages[1]?.parts).toEqual([
      {
        type: "toolCall",
        toolCallId: "c1",
        name: "echo",
        input: { text: "one" },
        state: "completed",
      },
      { type: "finish", reason: "toolUse" },
    ]);
    expect(turn.sink.messages[2]?.parts).toEqual([
      { type: "toolResult", toolCallId: "c1", name: "echo", output: "echo one", isError: false },
    ]);
    expect(model.calls[1]?.prompt.slice(1)).toEqual([
      { role: "user", content: [{ type: "text", text: "hello" }] },
      {
        role: "assistant",
        content: [
          { type: "tool-call", toolCallId: "c1", toolName: "echo", input: { text: "one" } },
        ],
      },
      {
        role: "tool",
        content: [
          {
            type: "tool-result",
            toolCallId: "c1",
            toolName: "echo",
            output: { type: "text", value: "echo one" },
          },
        ],
      },
    ]);
  });

  it("gives the model its tools as JSON Schema", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("ok"));
    await turn.run(model, { tools: [echo] });
    expect(model.calls[0]?.tools).toEqual([
      {
        type: "function",
        name: "echo",
        description: "The tool echo.",
        inputSchema: {
          type: "object",
          properties: { text: { type: "string" } },
          required: ["text"],
        },
      },
    ]);
  });

  it("says what a command stands for behind it, also where it joins, and stops at a cancel", async () => {
    const asked: string[] = [];
    const turn = new TestTurn();
    const expand = async (command: string) => {
      asked.push(command);
      if (command === "/wait") turn.cancel.abort(new Error("cancelled (user)"));
      turn.cancel.signal.throwIfAborted();
      return command === "/none" ? undefined : `${command} stands for this`;
    };
    const typed = ["/joined", "/none", "plain", "/wait", "/late"];
    turn.sink.folds.push(typed.map(prompt));
    const model = new FakeModel(says("never"));
    const outcome = await turn.run(model, { expand, prompt: prompt("/first") });
    expect(outcome.status).toBe("cancelled");
    expect(model.calls).toEqual([]);
    expect(asked).toEqual(["/first", "/joined", "/none", "/wait"]);
    const said = turn.sink.messages.filter(({ role }) => role === "user");
    const expanded = ["/first stands for this", "/joined stands for this"];
    expect(said.map(({ text: words }) => words)).toEqual(["/first", ...typed, ...expanded]);
  });

  it("takes folded prompts right before every model call and nowhere else", async () => {
    const turn = new TestTurn();
    turn.sink.folds.push([prompt("first fold")], [prompt("second"), prompt("third")]);
    const model = new FakeModel(calls("c1", "echo", { text: "x" }), says("done"));
    await turn.run(model, { tools: [echo] });
    expect(turn.sink.messages.map(({ role, text: said }) => `${role} ${said}`)).toEqual([
      "user hello",
      "user first fold",
      "assistant ",
      "tool ",
      "user second",
      "user third",
      "assistant done",
    ]);
    expect(turn.sink.journal.filter((line) => line === "takeFolded")).toHaveLength(2);
    expect(model.calls[0]?.prompt.map(({ role }) => role)).toEqual(["system", "user", "user"]);
    expect(model.calls[1]?.prompt.map(({ role }) => role)).toEqual([
      "system",
      "user",
      "user",
      "assistant",
      "tool",
      "user",
      "user",
    ]);
  });

  it("adds usage after each call, at the configured prices", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(calls("c1", "echo", { text: "x" }), [
      ...text("done"),
      finish("stop", { input: 1000, output: 200 }),
    ]);
    const input = turn.input(model, { tools: [echo] });
    const info = { ...input.model.info, costPerMillionInput: 2, costPerMillionOutput: 10 };
    await turn.run(model, { tools: [echo] }, info);
    expect(turn.sink.usages).toEqual([
      { promptTokens: 10, completionTokens: 5, cost: 70 / 1_000_000 },
      { promptTokens: 1000, completionTokens: 200, cost: 4000 / 1_000_000 },
    ]);
  });

  it("keeps reasoning and what the provider wants back with it", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      [
        { type: "reasoning-start", id: "r" },
        { type: "reasoning-delta", id: "r", delta: "hm" },
        { type: "reasoning-delta", id: "r", delta: "", providerMetadata: { acme: { sig: "S" } } },
        { type: "reasoning-end", id: "r" },
        ...toolCall("c1", "echo", { text: "x" }),
        finish("tool-calls"),
      ],
      says("done"),
    );
    await turn.run(model, { tools: [echo] });
    const providerOptions = { acme: { sig: "S" } };
    expect(turn.sink.messages[1]?.parts[0]).toEqual({
      type: "reasoning",
      text: "hm",
      providerMetadata: providerOptions,
    });
    expect(model.calls[1]?.prompt[2]).toMatchObject({
      role: "assistant",
      content: [{ type: "reasoning", text: "hm", providerOptions }, { type: "tool-call" }],
    });
  });

  it("says that a reply was cut at the limit of tokens, and has succeeded", async () => {
    const turn = new TestTurn();
    const outcome = await turn.run(new FakeModel([...text("half"), finish("length")]));
    expect(outcome).toMatchObject({ status: "succeeded", text: "half" });
    expect(turn.sink.last.finished).toMatchObject({ reason: "maxTokens" });
    expect(turn.sink.last.finished?.message).toContain("most tokens");
  });

  it("does not run the last call of a reply that was cut, and goes on", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      [...toolCall("c1", "echo", { text: "a" }), ...toolCall("c2", "echo", {}), finish("length")],
      says("done"),
    );
    await turn.run(model, { tools: [echo] });
    expect(turn.sink.messages[2]?.parts).toMatchObject([
      { output: "echo a", isError: false },
      { isError: true },
    ]);
    expect(turn.sink.messages[1]?.finished?.reason).toBe("maxTokens");
  });

  it("runs tool calls also where the model names another reason to finish", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      [...toolCall("c1", "echo", { text: "a" }), finish("stop")],
      says("b"),
    );
    expect(await turn.run(model, { tools: [echo] })).toMatchObject({ text: "b" });
  });

  it("fails as ContentFilter when the provider withholds the reply", async () => {
    const turn = new TestTurn();
    const outcome = await turn.run(new FakeModel([...text("I"), finish("content-filter")]));
    expect(outcome).toMatchObject({
      status: "failed",
      errorName: "ContentFilter",
      cause: "provider",
      text: "I",
    });
    expect(turn.sink.last.finished?.reason).toBe("contentFilter");
  });

  it("fails with the name of the error when its model cannot be loaded", async () => {
    const turn = new TestTurn();
    const input = turn.input(new FakeModel());
    const outcome = await turn.run(new FakeModel(), {
      model: {
        ...input.model,
        load: () => Promise.reject(new DomainError("ModelNotConfigured", "no such model")),
      },
    });
    expect(outcome).toMatchObject({
      status: "failed",
      errorName: "ModelNotConfigured",
      error: "no such model",
      cause: "internal",
    });
    expect(turn.sink.roles).toEqual(["user", "assistant"]);
    expect(turn.sink.last.finished).toEqual({
      type: "finish",
      reason: "error",
      message: "no such model",
    });
  });

  it("stores attachments with their bytes and shows text ones to the model", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says("ok"));
    const data = new TextEncoder().encode("column\n1\n");
    await turn.run(model, {
      prompt: { text: "see", attachments: [{ name: "a.csv", mimeType: "text/csv", data }] },
    });
    const [user] = turn.sink.messages;
    expect(user?.parts[1]).toEqual({
      type: "attachment",
      name: "a.csv",
      mimeType: "text/csv",
      size: 9,
    });
    expect(user?.start.attachmentData?.get(1)).toBe(data);
    expect(JSON.stringify(model.calls[0]?.prompt)).toContain("column\\n1\\n");
  });

  it("gives a call an id of its own when the provider repeats one", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(
      calls("call_0", "echo", { text: "a" }),
      calls("call_0", "echo", { text: "b" }),
      says("done"),
    );
    await turn.run(model, { tools: [echo] });
    const ids = turn.sink.messages.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === "toolResult" ? [part.toolCallId] : [])),
    );
    expect(ids).toEqual(["call_0", "call-own-1"]);
  });
});
