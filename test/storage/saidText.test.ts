import { expect, it } from "vitest";
import { partsText } from "../../src/coordinator/storedParts.js";
import type { Part } from "../../src/protocol/objects/message.js";
import { saidText } from "../../src/storage/saidText.js";

const call = (input: object): Part => ({
  type: "toolCall",
  toolCallId: "c",
  name: "n",
  state: "completed",
  input,
});

it("is the texts of a message's parts", () => {
  const parts: Part[] = [
    { type: "text", text: "one" },
    { type: "reasoning", text: "not said" },
    call({ text: "no" }),
    { type: "text", text: "two" },
  ];
  expect(saidText(partsText(parts))).toBe("one\ntwo");
  expect(saidText("[{")).toBe("");
});

it("finds the texts of a long message among parts that are longer", () => {
  const parts: Part[] = [
    { type: "text", text: 'a "quoted" \\ one' },
    call({ text: `"}],{"type":"text","text":"no${'[{"\\'.repeat(300_000)}` }),
    { type: "reasoning", text: "not said" },
    { type: "text", text: "the last" },
  ];
  expect(saidText(partsText(parts))).toBe('a "quoted" \\ one\nthe last');
});

it("takes no more of a long text than is indexed", () => {
  for (const piece of ["words ", "\u0001", 'an "é" \\', "😀"]) {
    const text = piece.repeat(200_000);
    const said = saidText(
      partsText([
        { type: "text", text },
        { type: "text", text: "behind it" },
      ]),
    );
    expect(text.startsWith(said.slice(0, 100_000))).toBe(true);
    expect(said.length).toBeGreaterThanOrEqual(100_000);
    expect(said.length).toBeLessThan(700_000);
  }
});
