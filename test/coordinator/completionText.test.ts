import { expect, it } from "vitest";
import { completionText, maxCompletionText } from "../../src/coordinator/completionText.js";

it("a text that fits is told as it is", () => {
  const text = "x".repeat(maxCompletionText);
  expect(completionText(text)).toEqual({ text });
});

it("a longer one is cut, and says so", () => {
  const { text, textTruncated } = completionText("x".repeat(maxCompletionText + 1));
  expect([text.length, textTruncated]).toEqual([maxCompletionText, true]);
});

it("no character is cut in half", () => {
  const { text } = completionText(`${"x".repeat(maxCompletionText - 1)}😀`);
  expect(text).toBe("x".repeat(maxCompletionText - 1));
});
