import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { askInput } from "../../src/cli/runInput.js";
import { TerminalPrompt } from "../../src/cli/terminalPrompt.js";
import { requestInput } from "../../src/protocol/methods/requestInput.js";

/** Asks, and types the next line whenever the screen ends with a question. */
function ask(schema: object, lines: readonly string[], message = "Who?") {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  const rest = [...lines];
  output.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    if (!text.endsWith(": ")) return;
    const line = rest.shift();
    if (line === undefined) input.end();
    else input.write(`${line}\n`);
  });
  const prompt = new TerminalPrompt(input, output);
  const request = { ...requestInput.example.params, message, schema: { ...schema } };
  const { signal } = new AbortController();
  return askInput(prompt, request, { signal }).then((answer) => ({ answer, shown }));
}

const property = (one: object, required = true) => ({
  type: "object",
  properties: { it: one },
  required: required ? ["it"] : [],
});

describe("what a tool server wants to know, at the terminal", () => {
  it.each([
    ["no", "decline"],
    ["n", "decline"],
    ["c", "cancel"],
  ])("takes %j as %s", async (line, action) => {
    const { answer } = await ask(property({ type: "string" }), [line]);
    expect(answer).toEqual({ action });
  });

  it("puts it aside at the end of the input, also in the middle", async () => {
    expect((await ask(property({ type: "string" }), [])).answer).toEqual({ action: "cancel" });
    expect((await ask(property({ type: "string" }), ["y"])).answer).toEqual({ action: "cancel" });
  });

  const one = { type: "string", oneOf: [{ const: "a", title: "The first" }, { const: "b" }] };
  const some = { type: "array", items: { type: "string", enum: ["x", "y", "z"] }, maxItems: 2 };
  it.each<[string, object, string[], unknown]>([
    ["a text", { type: "string" }, ["Ada, 直す"], "Ada, 直す"],
    ["a text of a length", { type: "string", minLength: 3 }, ["ab", "abc"], "abc"],
    ["a number", { type: "number", minimum: 1, maximum: 2 }, ["x", "3", "1.5"], 1.5],
    ["a whole number", { type: "integer" }, ["1.5", "-7"], -7],
    ["yes or no", { type: "boolean" }, ["perhaps", "No"], false],
    ["a choice by its title", one, ["c", "The first"], "a"],
    ["a choice by its number", one, ["3", "0", "2"], "b"],
    ["a choice by itself", { type: "string", enum: ["a", "b"] }, ["b"], "b"],
    ["several choices", some, ["x,y,z", "x, q", "1, z"], ["x", "z"]],
    ["what an empty line stands for", { type: "string", default: "d" }, [""], "d"],
  ])("takes %s", async (_, schema, lines, expected) => {
    const { answer } = await ask(property(schema), ["y", ...lines]);
    expect(answer).toEqual({ action: "accept", content: { it: expected } });
  });

  it("leaves out what an empty line leaves out", async () => {
    const { answer } = await ask(property({ type: "string" }, false), ["yes", ""]);
    expect(answer).toEqual({ action: "accept", content: {} });
  });

  it("asks for nothing where nothing is wanted, and skips what no line can say", async () => {
    expect((await ask({ type: "object" }, ["y"])).answer).toEqual({
      action: "accept",
      content: {},
    });
    const { answer } = await ask(property({ type: "object" }, false), ["y"]);
    expect(answer).toEqual({ action: "accept", content: {} });
  });

  it("declines what no line can say", async () => {
    const { answer, shown } = await ask(property({ type: "object" }), []);
    expect(answer).toEqual({ action: "decline" });
    expect(shown).toContain("it is declined");
  });

  it("never tries a pattern, and shows nothing that moves the cursor", async () => {
    const slow = { type: "string", pattern: "^(a+)+$", title: "na\u001b[2Jme" };
    const { answer, shown } = await ask(property(slow), ["y", `${"a".repeat(40)}!`], "Hi\u001b[2J");
    expect(answer).toMatchObject({ action: "accept" });
    expect(shown).not.toContain("\u001b");
  });
});
