import { expect, it } from "vitest";
import { textWeight } from "../../src/agent/textWeight.js";
import { imageTokens, messageTokens, textTokens } from "../../src/agent/tokenEstimate.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import type { Part } from "../../src/protocol/objects/message.js";

function said(parts: Part[], ...data: Uint8Array[]): HistoryMessage {
  return { id: "m", role: "user", parts, attachmentData: new Map(data.entries()) };
}

const file = (mimeType: string): Part => ({ type: "attachment", name: "f", mimeType, size: 9 });

it.each([
  ["English", "x".repeat(400), 100, 100],
  ["Russian", "я".repeat(400), 150, 300],
  ["Greek", "λ".repeat(400), 150, 300],
  ["Arabic", "م".repeat(400), 150, 300],
  ["Chinese", "汉".repeat(400), 400, 800],
  ["Japanese", "かな".repeat(200), 400, 800],
  ["Korean", "한".repeat(400), 400, 800],
  ["Hindi", "क".repeat(400), 400, 800],
  ["Thai", "ก".repeat(400), 400, 800],
  ["emoji", "😀".repeat(200), 400, 800],
  ["deep indentation", `${" ".repeat(396)}x();`, 10, 60],
])("counts %s as about the tokens that it takes", (_, text, least, most) => {
  expect(textTokens(text)).toBeGreaterThanOrEqual(least);
  expect(textTokens(text)).toBeLessThanOrEqual(most);
});

it("judges a long text by samples, about as if it had read it all", () => {
  const piece = `${"plain text ".repeat(50)}${"汉字".repeat(100)}\n`;
  const long = piece.repeat(8000);
  const exact = textWeight(piece) * 8000;
  expect(textWeight(long) / exact).toBeGreaterThan(0.95);
  expect(textWeight(long) / exact).toBeLessThan(1.05);
});

it("counts what is attached: text in any encoding, and images where the model takes them", () => {
  const log = Buffer.from("x".repeat(40_000));
  expect(messageTokens(said([file("text/plain")], log), false)).toBeGreaterThan(9000);
  const wide = Buffer.from(`\ufeff${"x".repeat(40_000)}`, "utf16le");
  expect(messageTokens(said([file("text/plain")], wide), false)).toBeLessThan(11_000);
  const image = said([file("image/png"), file("image/jpeg")], log, log);
  expect(messageTokens(image, true)).toBeGreaterThan(2 * 1500);
  expect(messageTokens(image, false)).toBeLessThan(100);
  expect(imageTokens(image)).toBe(2 * 1600);
  expect(messageTokens(said([file("application/zip")], Buffer.alloc(40_000)), true)).toBeLessThan(
    100,
  );
});

it.each([
  ["text/plain", "plain text 汉字 я\n", "utf8", ""],
  ["application/octet-stream", "plain text 汉字 я\n", "utf8", ""],
  ["text/plain", "plain text 汉字 я\n", "utf16le", "\ufeff"],
] as const)(
  "judges a large file of type %s by samples, about as if it had read it",
  (type, piece, encoding, mark) => {
    const count = 1_000_000;
    const data = Buffer.from(`${mark}${piece.repeat(count)}`, encoding);
    const exact = textTokens(piece.repeat(1_000)) * 1_000;
    const tokens = messageTokens(said([file(type)], data), false);
    expect(tokens / exact).toBeGreaterThan(0.9);
    expect(tokens / exact).toBeLessThan(1.1);
  },
);

it.each([
  ["NUL in it", Buffer.alloc(2_000_000)],
  ["bytes that are no UTF-8", Buffer.alloc(2_000_000, 0xe9)],
])("takes a large file of no known type for none where it has %s", (_, data) => {
  expect(messageTokens(said([file("application/octet-stream")], data), false)).toBeLessThan(100);
});

it("counts reasoning, calls and results", () => {
  const call = { type: "toolCall", toolCallId: "c", name: "abcd", state: "completed" } as const;
  const result = { type: "toolResult", toolCallId: "c", name: "abcd", isError: false } as const;
  for (const part of [
    { type: "reasoning", text: "x".repeat(400) },
    { ...call, input: { a: "x".repeat(400) } },
    { ...result, output: "x".repeat(400) },
  ] satisfies Part[]) {
    expect(messageTokens(said([part]), false)).toBeGreaterThanOrEqual(100);
    expect(messageTokens(said([part]), false)).toBeLessThan(130);
  }
});
