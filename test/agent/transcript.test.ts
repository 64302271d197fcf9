import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clipped, transcript } from "../../src/agent/transcript.js";
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

  it("keeps the newest, and an earlier summary, when there is no room for all", () => {
    const history = [
      { ...said("the old days"), isSummary: true },
      said("x".repeat(800)),
      said("new"),
    ];
    const short = transcript(history, 400);
    expect(short).toContain("the old days");
    expect(short).toContain("[1 messages are left out here]");
    expect(short).toContain("new");
    expect(short).not.toContain("xxx");
  });

  it("is about as long as it may be, at most", () => {
    const history = fc.array(fc.string({ maxLength: 3000 }).map(said), { maxLength: 30 });
    fc.assert(
      fc.property(history, fc.integer({ min: 100, max: 5000 }), (messages, size) => {
        expect(transcript(messages, size).length).toBeLessThan(size + 200);
      }),
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
