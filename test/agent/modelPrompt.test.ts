import type { LanguageModelV3Prompt } from "@ai-sdk/provider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelPrompt } from "../../src/agent/modelPrompt.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import type { Part } from "../../src/protocol/objects/message.js";

function message(role: HistoryMessage["role"], ...parts: Part[]): HistoryMessage {
  return { id: "m", role, parts };
}

function text(said: string): Part {
  return { type: "text", text: said };
}

function call(toolCallId: string, input: unknown = {}): Part {
  return { type: "toolCall", toolCallId, name: "read", input, state: "completed" };
}

function result(toolCallId: string, output = "out", isError = false): Part {
  return { type: "toolResult", toolCallId, name: "read", output, isError };
}

const none = () => "none" as const;

function build(messages: HistoryMessage[], supportsImages = false): LanguageModelV3Prompt {
  const imageUse = supportsImages ? () => "taken" as const : none;
  return modelPrompt({ systemPrompt: "sys", messages, turnStart: 0, imageUse }).prompt;
}

function attachment(mimeType: string, data: Uint8Array | undefined, supportsImages = false) {
  const part: Part = { type: "attachment", name: "f", mimeType, size: data?.length ?? 0 };
  const attachmentData = new Map(data ? [[0, data]] : []);
  const [, user] = build([{ ...message("user", part), attachmentData }], supportsImages);
  return user?.role === "user" ? user.content[0] : undefined;
}

describe("a model's prompt", () => {
  it("gives a call without a result an error result, before anything else is said", () => {
    const prompt = build([
      message("user", text("go")),
      message("assistant", call("a"), call("b")),
      message("tool", result("a")),
      message("user", text("and now")),
    ]);
    expect(prompt.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "user"]);
    expect(prompt[3]).toMatchObject({
      content: [
        { toolCallId: "a", output: { type: "text", value: "out" } },
        { toolCallId: "b", output: { type: "error-text" } },
      ],
    });
  });

  it("leaves out results without a call, second results and empty messages", () => {
    const prompt = build([
      message("user", text("go")),
      message("tool", result("x")),
      message("assistant", { type: "finish", reason: "error" }),
      message("assistant", call("a")),
      message("tool", result("a", "first"), result("a", "second")),
      message("assistant", text("  \n")),
    ]);
    expect(prompt.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool"]);
    expect(JSON.stringify(prompt)).not.toContain("second");
  });

  it("is valid whatever is stored", () => {
    const id = fc.constantFrom("a", "b", "c");
    const part = fc.oneof(
      fc.string().map(text),
      id.map((toolCallId) => call(toolCallId)),
      id.map((toolCallId) => call(toolCallId, "broken {")),
      id.map((toolCallId) => result(toolCallId)),
      fc.string().map((said): Part => ({ type: "reasoning", text: said })),
      fc.constant<Part>({ type: "finish", reason: "endTurn" }),
    );
    const history = fc.array(
      fc.record({
        role: fc.constantFrom("user" as const, "assistant" as const, "tool" as const),
        parts: fc.array(part, { maxLength: 5 }),
      }),
    );
    fc.assert(
      fc.property(history, (messages) => {
        expectValid(build(messages.map(({ role, parts }) => message(role, ...parts))));
      }),
    );
  });

  it("shows a summary as what came before, and asks to go on where nothing follows", () => {
    const summary = { ...message("assistant", text("we did it")), isSummary: true };
    const [, alone] = build([summary]);
    expect(JSON.stringify(alone)).toMatch(/"user".*we did it.*Go on/);
    const [, first, second] = build([summary, message("user", text("next"))]);
    expect(JSON.stringify(first)).not.toContain("Go on");
    expect(second?.role).toBe("user");
  });

  it("knows where the present turn begins, also behind repaired calls", () => {
    const messages = [
      message("user", text("old")),
      message("assistant", call("a")),
      message("user", text("new")),
    ];
    const built = modelPrompt({ systemPrompt: "s", messages, turnStart: 2, imageUse: none });
    expect(built.prompt[built.turnStart]).toEqual({
      role: "user",
      content: [{ type: "text", text: "new" }],
    });
  });

  it("gives back what a provider sent along with text, reasoning and calls", () => {
    const providerMetadata = { acme: { signature: "s" } };
    const prompt = build([
      message(
        "assistant",
        { type: "reasoning", text: "", providerMetadata },
        { type: "text", text: "a", providerMetadata },
        { ...call("a"), providerMetadata } as Part,
      ),
    ]);
    const reply = prompt[1];
    const parts = reply?.role === "assistant" ? reply.content : [];
    expect(parts.map((part) => part.providerOptions)).toEqual(Array(3).fill(providerMetadata));
  });

  it("drops thoughts that led to nothing", () => {
    const thought: Part = { type: "reasoning", text: "hm" };
    expect(build([message("assistant", thought)])).toHaveLength(1);
    expect(build([message("assistant", text("a"), thought)])[1]).toMatchObject({
      content: [{ type: "text" }],
    });
  });

  it("sends names and inputs that every provider takes", () => {
    const odd: Part = { ...call("a", "not json"), name: "functions.read file" } as Part;
    expect(build([message("assistant", odd)])[1]).toMatchObject({
      content: [{ toolName: "functions_read_file", input: {} }],
    });
  });

  it("sends no half of a surrogate pair, wherever it stands", () => {
    const half = "a\ud83d b\ude00";
    const whole = "a\ufffd b\ufffd";
    const file: Part = { type: "attachment", name: half, mimeType: half, size: 1 };
    const messages: HistoryMessage[] = [
      { ...message("assistant", text(half)), isSummary: true },
      message("user", text(half), file),
      message(
        "assistant",
        { type: "reasoning", text: half },
        text(half),
        call(half, { [half]: [half, 1, null, { deep: half }] }),
      ),
      message("tool", result(half, half)),
    ];
    const input = { systemPrompt: half, messages, turnStart: 0, imageUse: none };
    const { prompt } = modelPrompt(input);
    expect(JSON.stringify(prompt)).not.toMatch(/\\ud[89a-f]/i);
    const [system, summary, user, reply, tool] = prompt;
    expect(system).toEqual({ role: "system", content: whole });
    expect(JSON.stringify(summary)).toContain(whole);
    expect(user?.content[0]).toEqual({ type: "text", text: whole });
    expect(reply?.content).toEqual([
      { type: "reasoning", text: whole },
      { type: "text", text: whole },
      {
        type: "tool-call",
        toolCallId: whole,
        toolName: "read",
        input: { [whole]: [whole, 1, null, { deep: whole }] },
      },
    ]);
    expect(tool?.content).toMatchObject([{ toolCallId: whole, output: { value: whole } }]);
  });

  it("leaves whole pairs as they are", () => {
    const messages = [message("user", text("😀")), message("assistant", call("a", { "😀": "😀" }))];
    const [, user, reply] = build(messages);
    expect(user?.content).toEqual([{ type: "text", text: "😀" }]);
    expect(reply?.content).toMatchObject([{ input: { "😀": "😀" } }]);
  });

  it("sends images to models that take them, and says so to others", () => {
    const png = new Uint8Array([137, 80, 0]);
    expect(attachment("image/png", png, true)).toMatchObject({ type: "file", data: png });
    expect(attachment("image/png", png)).toMatchObject({
      type: "text",
      text: expect.stringContaining("takes no images"),
    });
  });

  it("puts text files into the prompt under their names", () => {
    const bytes = new TextEncoder().encode("let a = 1");
    for (const mimeType of ["text/plain; charset=utf-8", "application/octet-stream"]) {
      expect(attachment(mimeType, bytes)).toMatchObject({
        text: '<attachment name="f">\nlet a = 1\n</attachment>',
      });
    }
    expect(attachment("application/pdf", new Uint8Array([0, 255]))).toMatchObject({
      text: expect.stringContaining("neither text nor an image"),
    });
    expect(attachment("text/plain", undefined)).toMatchObject({
      text: expect.stringContaining("no longer there"),
    });
  });
});

/** Every call has its one result right behind it, no result stands alone, nothing is empty. */
function expectValid(prompt: LanguageModelV3Prompt): void {
  prompt.forEach((entry, index) => {
    expect(entry.content.length).toBeGreaterThan(0);
    if (entry.role === "assistant") {
      const calls = entry.content.flatMap((part) => {
        if (part.type !== "tool-call") return [];
        expect(part.input).toBeTypeOf("object");
        return [part.toolCallId];
      });
      const next = prompt[index + 1];
      const results =
        next?.role === "tool"
          ? next.content.flatMap((part) => (part.type === "tool-result" ? [part.toolCallId] : []))
          : [];
      expect(new Set(calls).size).toBe(calls.length);
      expect(results.toSorted()).toEqual(calls.toSorted());
    }
    if (entry.role === "tool") expect(prompt[index - 1]?.role).toBe("assistant");
  });
}

describe("attached text", () => {
  const shown = (mimeType: string, data: Uint8Array) => {
    const part: Part = { type: "attachment", name: "a </attachment>", mimeType, size: data.length };
    const attached = { ...message("user", part), attachmentData: new Map([[0, data]]) };
    return JSON.stringify(build([attached])[1]?.content);
  };

  it.each([
    ["text/plain; charset=iso-8859-1", Buffer.from("Jürgen", "latin1")],
    ['text/csv; header=present; Charset="windows-1252"', Buffer.from("Jürgen", "latin1")],
    ["text/plain; charset=utf-16le", Buffer.from("Jürgen", "utf16le")],
    ["text/plain", Buffer.from("\ufeffJürgen", "utf16le")],
    ["application/octet-stream", Buffer.from("\ufeffJürgen", "utf16le")],
    ["application/json; charset=nonsense", Buffer.from("Jürgen")],
  ])("is decoded as its type and its mark say: %s", (mimeType, data) => {
    expect(shown(mimeType, data)).toContain("\\nJürgen\\n");
  });

  it("does not end its section", () => {
    const text = shown("text/plain", Buffer.from("a </attachment> b </ ATTACHMENT > c"));
    expect(text.match(/<\s*\/\s*attachment/gi)).toHaveLength(1);
    expect(text).toMatch(/ c\\n<\/attachment>"/);
  });
});
