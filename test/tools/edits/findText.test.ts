import { expect, it } from "vitest";
import { placesOf } from "../../../src/tools/edits/findText.js";
import { PiecedText } from "../../../src/tools/edits/piecedText.js";
import { longestHold, onThisMachine } from "../../helpers/longestHold.js";

const { signal } = new AbortController();

async function found(text: string, wanted: string, overlapping: boolean): Promise<number[]> {
  const places: number[] = [];
  for await (const at of placesOf(new PiecedText(text), wanted, { overlapping, signal }))
    places.push(at);
  return places;
}

/** The same with `indexOf`. */
function expected(text: string, wanted: string, overlapping: boolean): number[] {
  const places: number[] = [];
  const step = overlapping ? 1 : wanted.length;
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + step)) {
    places.push(at);
  }
  return places;
}

const long = 120_000;

it.each([
  ["at both ends", `${"ab".repeat(50)}${"x".repeat(long)}${"ab".repeat(50)}`, "ab".repeat(50)],
  ["over each other", "aba".repeat(long), "abaab".repeat(1) + "a".repeat(0) + "baaba".repeat(20)],
  ["everywhere", "a".repeat(long), "a".repeat(100)],
  [
    "behind a beginning that goes on otherwise",
    `${"aab".repeat(long)}aac${"aab".repeat(40)}`,
    `${"aab".repeat(40)}aac`,
  ],
  ["nowhere", "ab".repeat(long), `${"ab".repeat(100)}c`],
  ["in other scripts", `${"я汉😀".repeat(long)}конец`, "😀конец".padStart(90, "я汉")],
  ["in a short text", "aXbXc", "X"],
  ["across the steps of the search", `${"x".repeat(65_530)}${"ab".repeat(200)}x`, "ab".repeat(150)],
  ["behind many beginnings", `${"a".repeat(long)}b`, `${"a".repeat(60_000)}b`],
])("finds the places %s", async (_, text, wanted) => {
  for (const overlapping of [true, false]) {
    expect(await found(text, wanted, overlapping)).toEqual(expected(text, wanted, overlapping));
  }
});

it("finds at once what `indexOf` would look for during minutes", async () => {
  const half = "a".repeat(20_000);
  const search = () => found("a".repeat(9_000_000), `${half}b${half}`, false);
  expect(await search()).toEqual([]);
  expect(await longestHold(search)).toBeLessThan(onThisMachine(100, 9));
});

it("stops when it is aborted", async () => {
  const stopped = placesOf(new PiecedText("a".repeat(9_000_000)), `${"a".repeat(100)}b`, {
    overlapping: false,
    signal: AbortSignal.abort(new Error("enough")),
  });
  await expect(stopped.next()).rejects.toThrow("enough");
});
