import { describe, expect, it } from "vitest";
import { partsText, storedParts } from "../../src/coordinator/storedParts.js";
import type { Part } from "../../src/protocol/objects/message.js";

const partsOf = (text: string) => {
  const stored = storedParts(text);
  return "parts" in stored ? stored.parts : stored.damage;
};

const nested = (depth: number): unknown => JSON.parse("[".repeat(depth) + "]".repeat(depth));
const call = (input: unknown) =>
  ({ type: "toolCall", toolCallId: "t", name: "write", input, state: "pending" }) as Part;
const finish: Part = { type: "finish", reason: "endTurn" };
const circle: unknown[] = [];
circle.push(circle);

describe("what is stored of a message's parts", () => {
  it("is their JSON, where there is one", () => {
    const parts: Part[] = [{ type: "text", text: "a\0\ud800 b" }, call({ a: [1] }), finish];
    expect(partsOf(partsText(parts))).toEqual(parts);
  });

  it.each([
    ["nested too deep to be written", nested(50_000)],
    ["a circle", circle],
    ["a BigInt", 10n],
    [
      "one whose toJSON throws",
      {
        toJSON() {
          throw new Error("no");
        },
      },
    ],
    ["one that cannot be listed", new Proxy({}, { ownKeys: () => ["a", "a"] })],
  ])("keeps all but an input that is %s", (_, input) => {
    const parts = [{ type: "text", text: "before" } as Part, call(input), finish];
    expect(partsOf(partsText(parts))).toEqual([
      { type: "text", text: "before" },
      { ...call("[It could not be stored.]") },
      finish,
    ]);
  });

  it("leaves out what a provider wants back and nobody can write", () => {
    const part = { type: "text", text: "a", providerMetadata: { p: { deep: nested(50_000) } } };
    expect(partsOf(partsText([part as Part]))).toEqual([{ type: "text", text: "a" }]);
  });

  it("is bounded where the parts together are longer than can be stored", () => {
    const text = "x".repeat(10 * 1024 * 1024);
    const parts = Array.from({ length: 14 }, (): Part => ({ type: "text", text }));
    const stored = partsText([...parts, { type: "text", text: "short" }, finish]);
    expect(stored.length).toBeLessThan(2 * 1024 * 1024);
    const read = partsOf(stored);
    expect(read).toHaveLength(16);
    expect(read.slice(-2)).toEqual([{ type: "text", text: "short" }, finish]);
  });

  it("that an earlier version stored too deep is read as what can be sent on", () => {
    const input = "[".repeat(3_000) + "]".repeat(3_000);
    const { input: _, ...rest } = call(0) as Part & { input: unknown };
    const stored = JSON.stringify([rest]).replace("}]", `,"input":${input}}]`);
    expect(partsOf(stored)).toEqual([call("[It could not be stored.]")]);
  });
});

describe("a stored text that tells no parts", () => {
  it.each([
    ["is not there", undefined],
    ["is empty", ""],
    ["is no JSON", '[{"type":"text","te'],
    ["is JSON of another kind", '{"type":"text","text":"a"}'],
    ["is null", "null"],
    ["has something that is no part", '[{"type":"text","text":"a"},null]'],
    ["has a part of no kind", '[{"text":"a"}]'],
    ["has a part of a kind that is a member of every object", '[{"type":"toString"}]'],
    ["has a part without its text", '[{"type":"text"}]'],
    [
      "has a part whose text is none",
      '[{"type":"toolResult","toolCallId":"a","name":"b","output":1}]',
    ],
  ])("because it %s is damaged", (_, text) => {
    expect(storedParts(text)).toEqual({ damage: expect.any(String) });
  });
});
