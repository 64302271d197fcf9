import { expect, test } from "vitest";
import { applyEdits } from "../../../src/tools/edits/applyEdits.js";

const apply = (text: string, edit: { oldText: string; newText: string; replaceAll?: boolean }) =>
  applyEdits(text, "\n", [edit], AbortSignal.timeout(30_000));

test("every occurrence is replaced, also side by side and at the ends", async () => {
  expect(await apply("aabaa", { oldText: "a", newText: "$&x", replaceAll: true })).toBe(
    "$&x$&xb$&x$&x",
  );
  expect(await apply("aaa", { oldText: "aa", newText: "b", replaceAll: true })).toBe("ba");
});

test("far too many are refused instead of holding everything up", async () => {
  const edit = { oldText: "a", newText: "b", replaceAll: true };
  await expect(apply("a".repeat(9_000_000), edit)).rejects.toThrow(/more than 50000 times/);
});

test("places are counted up to a bound", async () => {
  const edit = { oldText: "a", newText: "b" };
  await expect(apply("a\n".repeat(5_000_000), edit)).rejects.toThrow(
    /1000 times or more \(lines 1, 2, 3/,
  );
  await expect(apply("a\na\nb", edit)).rejects.toThrow(/2 times \(lines 1, 2\)/);
});
