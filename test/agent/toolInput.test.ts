import { describe, expect, it } from "vitest";
import {
  longestToolInput,
  mostToolInputValues,
  parseToolInput,
} from "../../src/agent/toolInput.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";

describe("the JSON of a call's input", () => {
  it.each([
    ["values", mostToolInputValues - 2, (count: number) => `{"a":[${"0,".repeat(count)}0]}`],
    ["levels", 199, (count: number) => `{"a":${"[".repeat(count)}${"]".repeat(count)}}`],
  ])("may have so many %s, and no more", (name, most, text) => {
    expect(parseToolInput(text(most))).toEqual({ ok: true, value: JSON.parse(text(most)) });
    expect(parseToolInput(text(most + 1))).toMatchObject({
      ok: false,
      problem: expect.stringContaining(name),
    });
  });

  it("counts nothing inside a text", () => {
    const value = { content: `${"[".repeat(300)}"\\${",{".repeat(mostToolInputValues)}` };
    expect(parseToolInput(JSON.stringify(value))).toEqual({ ok: true, value });
  });

  it.each([
    ["brackets", "[".repeat(longestToolInput)],
    ["nested objects", '{"a":'.repeat(longestToolInput / 5 - 1)],
    ["empty objects", `[${"{},".repeat(longestToolInput / 3 - 1)}1]`],
    ["short texts", `[${'"a",'.repeat(longestToolInput / 4 - 1)}1]`],
    ["one long text", `"${"a".repeat(longestToolInput - 2)}"`],
  ])("holds nothing up if it is all %s", async (_, text) => {
    const parse = () => parseToolInput(text);
    await longestHold(parse);
    expect(await longestHold(parse)).toBeLessThan(onThisMachine(50, 4));
  });
});
