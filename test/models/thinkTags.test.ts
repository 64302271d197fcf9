import type { LanguageModelV3StreamPart } from "@ai-sdk/provider";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mappedStream } from "../../src/models/mappedStream.js";
import { ThinkTags } from "../../src/models/thinkTags.js";
import { endsThought } from "../../src/models/thoughtMark.js";
import { finish } from "../helpers/fakeModel.js";

async function read(deltas: readonly string[], before: LanguageModelV3StreamPart[] = []) {
  const parts: LanguageModelV3StreamPart[] = [
    ...before,
    { type: "text-start", id: "t" },
    ...deltas.map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
    { type: "text-end", id: "t" },
    finish(),
  ];
  const out: LanguageModelV3StreamPart[] = [];
  const open = new Set<string>();
  for await (const part of mappedStream(ReadableStream.from(parts), new ThinkTags())) {
    if (part.type === "text-start" || part.type === "reasoning-start") open.add(part.id);
    if (part.type === "text-end" || part.type === "reasoning-end") {
      expect(open.delete(part.id)).toBe(true);
    }
    if ("delta" in part) expect(open.has(part.id)).toBe(true);
    out.push(part);
  }
  expect(open.size).toBe(0);
  expect(out.at(-1)?.type).toBe("finish");
  let [text, reasoning] = ["", ""];
  for (const part of out) {
    if (part.type === "text-delta") text += part.delta;
    if (part.type === "reasoning-delta") reasoning += part.delta;
    if (endsThought(part)) [text, reasoning] = ["", reasoning + text];
  }
  return { text, reasoning };
}

const cases = [
  ["<think>I look.</think>It is 4.", "I look.", "It is 4."],
  ["\n <think>\nI look.\n</think>\n\nIt is 4.", "\nI look.\n", "It is 4."],
  ["<thinking>Hm</thinking>Yes", "Hm", "Yes"],
  ["<think></think>Yes", "", "Yes"],
  ["<think>a</think> <think>b</think>c", "ab", "c"],
  ["<think>a < b && </thin> c</think>d", "a < b && </thin> c", "d"],
  ["<think>never closed </thi", "never closed </thi", ""],
  ["Write <think>x</think> here", "", "Write <think>x</think> here"],
  ["a</think>b", "a", "b"],
  ["I look.\n</think>\n\nIt is 4.", "I look.\n", "It is 4."],
  ["</think>\n\nIt is 4.", "", "It is 4."],
  ["\n\n</thinking> It is 4.", "\n\n", "It is 4."],
  ["I look at `</thi`.\n</think>", "I look at `</thi`.\n", ""],
  ['He said "yes"</think>Yes', 'He said "yes"', "Yes"],
  ["I look.</think>Write `</think>` then", "I look.", "Write `</think>` then"],
  ["Write `</think>` at the end", "", "Write `</think>` at the end"],
  ['Write "</think>" and </think>', "", 'Write "</think>" and </think>'],
  ["Thus:\n```\na\n</think>\n```", "", "Thus:\n```\na\n</think>\n```"],
  ["2 </ 3 and </thin", "", "2 </ 3 and </thin"],
  ["<thin air>", "", "<thin air>"],
  ["<", "", "<"],
  ["  two blanks", "", "  two blanks"],
  ["<think>🐢 Grüße</think>東京", "🐢 Grüße", "東京"],
] as const;

describe("thoughts between tags", () => {
  it.each(cases)(
    "are told from the text in %j, wherever it is cut",
    async (all, reasoning, text) => {
      const cuts = fc.uniqueArray(fc.integer({ min: 0, max: all.length }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(cuts, async (at) => {
          const ends = [...at.sort((a, b) => a - b), all.length];
          const deltas = ends.map((end, index) => all.slice(ends[index - 1] ?? 0, end));
          expect(await read(deltas)).toEqual({ text, reasoning });
        }),
        { numRuns: 60 },
      );
      expect(await read([...all].flatMap((one) => one.split("")))).toEqual({ text, reasoning });
    },
  );

  it("delay no text, while an opening tag may have been left out", () => {
    const tags = new ThinkTags();
    const told = [
      ...tags.next({ type: "text-start", id: "t" }),
      ...tags.next({ type: "text-delta", id: "t", delta: "I look" }),
    ];
    expect(told).toMatchObject([{ type: "text-start" }, { type: "text-delta", delta: "I look" }]);
  });

  it("are text where the server has a parser of its own", async () => {
    const thought: LanguageModelV3StreamPart[] = [
      { type: "reasoning-start", id: "r" },
      { type: "reasoning-delta", id: "r", delta: "Hm." },
      { type: "reasoning-end", id: "r" },
    ];
    expect(await read(["<think>", "x</think>"], thought)).toEqual({
      text: "<think>x</think>",
      reasoning: "Hm.",
    });
  });

  it("may stand before a call of a tool", async () => {
    const parts: LanguageModelV3StreamPart[] = [
      { type: "text-start", id: "t" },
      { type: "text-delta", id: "t", delta: "<think>I look</think>\n" },
      { type: "tool-input-start", id: "c", toolName: "read" },
      { type: "text-end", id: "t" },
      finish("tool-calls"),
    ];
    const out: string[] = [];
    for await (const part of mappedStream(ReadableStream.from(parts), new ThinkTags())) {
      out.push(part.type);
    }
    expect(out).toEqual([
      "reasoning-start",
      "reasoning-delta",
      "reasoning-end",
      "tool-input-start",
      "finish",
    ]);
  });
});
