import { describe, expect, it } from "vitest";
import { cleanTitle, generateTitle } from "../../src/agent/title.js";
import { TestTurn } from "../helpers/agentTurn.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { FakeModel, says } from "../helpers/fakeModel.js";
import { onThisMachine } from "../helpers/longestHold.js";

describe("a title", () => {
  it("comes from one short call, whose usage is counted", async () => {
    const turn = new TestTurn();
    const model = new FakeModel(says('"Fix the parser."\n'));
    const input = turn.input(model);
    const title = await generateTitle(input.model, "fix it", turn.cancel.signal, turn.ports);
    expect(title).toBe("Fix the parser");
    expect(model.calls[0]).toMatchObject({
      maxOutputTokens: 1000,
      providerOptions: { turnwire: { purpose: "title" } },
    });
    expect(turn.sink.usages).toHaveLength(1);
    expect(turn.sink.messages).toHaveLength(0);
  });

  it("is undefined when its model fails, cannot be loaded or is cancelled", async () => {
    const turn = new TestTurn();
    const ask = (model: FakeModel) =>
      generateTitle(turn.input(model).model, "x", turn.cancel.signal, turn.ports);
    expect(await ask(new FakeModel(new Error("no")))).toBeUndefined();
    const broken = {
      ...turn.input(new FakeModel()).model,
      load: () => Promise.reject(new Error()),
    };
    expect(await generateTitle(broken, "x", turn.cancel.signal, turn.ports)).toBeUndefined();
    turn.cancel.abort();
    expect(await ask(new FakeModel(says("late")))).toBeUndefined();
  });

  it.each([
    ["Title: Fix the parser", "Fix the parser"],
    ["## **Fix the parser**", "Fix the parser"],
    ["<think>what\nnow</think>\n\n“Fix it”", "Fix it"],
    ["<think>never ends", undefined],
    ["One\nTwo", "One"],
    ["a\u0007b\u001b[31m", "a b [31m"],
    ["  ", undefined],
  ])("is cleaned: %j", (written, title) => {
    expect(cleanTitle(written)).toBe(title);
  });

  it("is at most 80 characters long", () => {
    expect(cleanTitle("word ".repeat(40))).toBe(`${"word ".repeat(15).trim()}…`);
    expect(cleanTitle("x".repeat(200))).toHaveLength(80);
    expect(cleanTitle("👩‍👩‍👧‍👦".repeat(90))).toBe(`${"👩‍👩‍👧‍👦".repeat(79)}…`);
  });
});

it("a line without end is no slower to clean than its length", async () => {
  const clean = () => cleanTitle(`Title ${".".repeat(400_000)}x`);
  expect(clean()?.startsWith("Title")).toBe(true);
  expect(await cpuTimeOf(clean)).toBeLessThan(onThisMachine(2_000));
});
