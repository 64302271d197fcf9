import { describe, expect, test } from "vitest";
import { unifiedDiff } from "../../../src/agent/tools/edits/unifiedDiff.js";

describe("a unified diff", () => {
  test("is not begun where it could only be too long", () => {
    const huge = "a line\n".repeat(3_000_000);
    const begun = performance.now();
    expect(unifiedDiff("a.txt", undefined, huge)).toBeUndefined();
    expect(unifiedDiff("a.txt", huge, "")).toBeUndefined();
    // Splitting them into lines alone would take longer than that.
    expect(performance.now() - begun).toBeLessThan(100);
  });

  test("of a change in a long file is short", () => {
    const long = "a line\n".repeat(30_000);
    expect(unifiedDiff("a.txt", long, `${long}the end\n`)).toContain("+the end");
  });
});
