import { expect, test } from "vitest";
import { pathPattern } from "../../../src/tools/files/pathPattern.js";

test("a pattern covers names with line breaks in them, too", () => {
  const matches = pathPattern("include", "src/**");
  expect(matches("src/a\nb/c.ts")).toBe(true);
  expect(matches("lib/a\nb/c.ts")).toBe(false);
});
