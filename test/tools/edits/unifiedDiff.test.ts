import { applyPatch, createTwoFilesPatch } from "diff";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { fileDiff, unifiedDiff } from "../../../src/tools/edits/unifiedDiff.js";

vi.mock("diff", { spy: true });

describe("a unified diff", () => {
  test("is not begun where it could only be too long", () => {
    const huge = "a line\n".repeat(3_000_000);
    expect(unifiedDiff("a.txt", undefined, huge)).toBeUndefined();
    expect(unifiedDiff("a.txt", huge, "")).toBeUndefined();
    expect(createTwoFilesPatch).not.toHaveBeenCalled();
  });

  test("of a change in a long file is short", () => {
    const long = "a line\n".repeat(30_000);
    expect(unifiedDiff("a.txt", long, `${long}the end\n`)).toContain("+the end");
  });
});

describe("what a question shows of a change", () => {
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, n) => `line ${n}\n`).join("");

  test("is a diff that git would apply, whatever was changed", () => {
    const line = fc.constantFrom("a\n", "b\n", "\n", "c c\r\n", "d");
    const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join(""));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const made = fileDiff("f", before, after);
        expect(made === undefined).toBe(before === after);
        if (made === undefined) return;
        expect(made.isCut).toBe(false);
        expect(applyPatch(before, made.diff, { autoConvertLineEndings: false })).toBe(after);
      }),
      { numRuns: 300 },
    );
  });

  test("is one too where far too much changes for comparing it line by line", () => {
    const before = numbered(3_000);
    const after = before.replaceAll("line", "row");
    const made = fileDiff("f", before, after);
    expect(made?.isCut).toBe(false);
    expect(applyPatch(before, made?.diff ?? "")).toBe(after);
  });

  test("says where in the file it is", () => {
    const before = numbered(500);
    const made = fileDiff("f", before, before.replace("line 300\n", "new\n"));
    expect(made?.diff).toContain(
      "@@ -298,7 +298,7 @@\n line 297\n line 298\n line 299\n-line 300\n+new\n",
    );
  });

  test("is the beginning, by whole lines, where the whole is too long", () => {
    for (const [before, after] of [
      [undefined, numbered(1_000_000)],
      [numbered(1_000_000), ""],
      ["x".repeat(2_000_000), "y".repeat(3_000_000)],
    ] as const) {
      const made = fileDiff("f", before, after);
      expect(made?.isCut).toBe(true);
      expect(made?.diff.length).toBeLessThanOrEqual(100_000);
      expect(made?.diff).toMatch(/^--- .*\n\+\+\+ .*\n@@ .*\n/);
    }
  });
});
