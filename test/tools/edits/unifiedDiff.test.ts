import { createTwoFilesPatch } from "diff";
import { describe, expect, test, vi } from "vitest";
import { unifiedDiff } from "../../../src/tools/edits/unifiedDiff.js";

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
