import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { textWeight } from "../../src/agent/textWeight.js";
import { clipped, passages, shortTranscript, transcript } from "../../src/agent/transcript.js";
import type { HistoryMessage } from "../../src/engine/engine.js";

function said(text: string): HistoryMessage {
  return { id: "m", role: "user", parts: [{ type: "text", text }] };
}

describe("a transcript", () => {
  it("says who said what, what was called and what came of it", () => {
    const history: HistoryMessage[] = [
      said("go"),
      {
        id: "a",
        role: "assistant",
        parts: [
          { type: "reasoning", text: "secret thoughts" },
          { type: "toolCall", toolCallId: "1", name: "ls", input: { path: "." }, state: "failed" },
        ],
      },
      {
        id: "t",
        role: "tool",
        parts: [{ type: "toolResult", toolCallId: "1", name: "ls", output: "no", isError: true }],
      },
    ];
    expect(transcript(history, 10_000)).toBe(
      '## User\ngo\n\n## Agent\n[calls ls: {"path":"."}]\n\n## Tool results\n[ls failed]\nno',
    );
  });

  it("shows every message, the oldest and longest shortened first, where there is no room for all", () => {
    const read = (output: string) => ({
      type: "toolResult" as const,
      toolCallId: "1",
      name: "read",
      output,
      isError: false,
    });
    const outputs = Array.from({ length: 20 }, (_, index) => read(`<${index}>${"x".repeat(8000)}`));
    const history: HistoryMessage[] = [
      { ...said("the old days"), isSummary: true },
      said("do the task"),
      { id: "t", role: "tool", parts: outputs },
      said("new"),
    ];
    const short = transcript(history, 80_000) ?? "";
    expect(short).toMatch(/the old days.*do the task.*new$/s);
    for (const index of outputs.keys()) expect(short).toContain(`<${index}>`);
    const lengths = short
      .split("[read gave]")
      .map((text) => text.length)
      .slice(1);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
    expect(lengths.at(-1)).toBeGreaterThan(lengths[0] ?? 0);
  });

  it("shortens an earlier summary last, and never to nothing", () => {
    const history = [
      { ...said(`FIRST ${"s".repeat(50_000)} LAST`), isSummary: true },
      ...Array.from({ length: 50 }, (_, index) => said(`${index}: ${"x".repeat(900)}`)),
    ];
    const short = transcript(history, 10_000) ?? "";
    expect(short.length).toBeLessThanOrEqual(10_000);
    expect(short).toMatch(/FIRST s{500}.*s{500} LAST/s);
    expect(short).toContain("## User\n49: ");
  });

  it("counts a character of a script of the East as a token", () => {
    const history = [said("汉".repeat(3000)), said("новое")];
    expect((transcript(history, 4000) ?? "").length).toBeLessThan(1100);
    expect(transcript(history, 12_100)).toContain("汉".repeat(3000));
  });

  it("is never longer than it may be; what does not fit into one is in several", () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 3000 }),
      fc.string({ unit: "grapheme", maxLength: 500 }),
    );
    const histories = fc.array(texts.map(said), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(histories, fc.integer({ min: 300, max: 5000 }), (messages, size) => {
        const whole = transcript(messages, size);
        if (whole !== undefined) expect(textWeight(whole)).toBeLessThanOrEqual(size);
        const pieces = passages(messages, size);
        expect(pieces.flat()).toEqual(messages);
        for (const piece of pieces) {
          expect(textWeight(shortTranscript(piece, size))).toBeLessThanOrEqual(size + 200);
        }
      }),
    );
  });

  it("tells what was attached: text as it is, anything else by its name", () => {
    const file = (name: string, mimeType: string) => ({
      type: "attachment" as const,
      name,
      mimeType,
      size: 3,
    });
    const message: HistoryMessage = {
      id: "m",
      role: "user",
      parts: [file("a.log", "text/plain"), file("b.png", "image/png"), file("c", "application/x")],
      attachmentData: new Map([
        [0, Buffer.from("the log")],
        [1, Buffer.from("png")],
        [2, Buffer.from([0, 1, 2])],
      ]),
    };
    expect(transcript([message], 1000)).toBe(
      "## User\n[attached: a.log, text/plain]\nthe log\n[attached: b.png, image/png]\n[attached: c, application/x]",
    );
  });

  it("cuts a text in its middle, and says how much is gone", () => {
    expect(clipped("abcdefghij", 4)).toBe("ab\n[… 6 characters left out …]\nij");
    expect(clipped("abcd", 4)).toBe("abcd");
  });

  it("never cuts a character in two, which some providers refuse", () => {
    for (let size = 20; size < 24; size++) {
      for (const text of ["😀".repeat(100), `a${"😀".repeat(100)}`]) {
        expect(clipped(text, size)).not.toMatch(/\p{Surrogate}/u);
      }
    }
  });
});
