// protocol.md section 4, Output: schemas and values that somebody else wrote cost bounded time, and the
// event loop none of it.
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.js";
import { OutputCheck } from "../../../src/engine/output/checkOutput.js";
import { WorkProcesses } from "../../../src/process/workProcesses.js";
import { longestHold, onThisMachine } from "../../helpers/longestHold.js";
import { pretendNodeAt } from "../../helpers/nodePath.js";

const { signal } = new AbortController();
const check = new OutputCheck(new WorkProcesses(systemClock));
const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });

describe("a schema", () => {
  test.each([
    ["plain", object({ a: { type: "string" } }, { required: ["a"] })],
    ["that recurses over its own definition", object({ next: { $ref: "#" } })],
    ["of draft-07", { $schema: "http://json-schema.org/draft-07/schema#", type: "object" }],
    [
      "of 2019-09",
      { $schema: "https://json-schema.org/draft/2019-09/schema", $defs: {}, type: "object" },
    ],
    ["with words that nobody knows", object({}, { "x-note": 1, deprecated: true })],
    ["with a format that nobody knows", object({ a: { type: "string", format: "nice" } })],
  ])("%s can be used", async (_, schema) => {
    expect(await check.problemOf(schema, signal)).toBeUndefined();
  });

  test.each([
    ["a type that is none", object({ a: { type: "strin" } }), "type"],
    ["a pattern that is none", object({ a: { pattern: "(" } }), "regular expression"],
    ["a reference that leads out", object({ a: { $ref: "http://127.0.0.1:9/x.json" } }), "resolve"],
    ["a reference that leads nowhere", object({ a: { $ref: "#/$defs/none" } }), "resolve"],
    [
      "a dialect that is not here",
      { $schema: "http://example.com/none", type: "object" },
      "schema",
    ],
  ])("with %s cannot, and says why", async (_, schema, word) => {
    expect(await check.problemOf(schema, signal)).toContain(word);
  });
});

test("what is wrong with a value is told by its place, ten things at most", async () => {
  const schema = object(
    { a: { type: "string" }, b: { enum: [1, 2] }, c: { type: "string", format: "date" } },
    { required: ["a"], additionalProperties: false },
  );
  expect(await check.misfits(schema, { a: "x", b: 1, c: "2026-01-01" }, signal)).toEqual([]);
  expect(await check.misfits(schema, { b: 3, c: "no", d: 0 }, signal)).toEqual([
    expect.stringContaining("'a'"),
    expect.stringContaining('"d"'),
    expect.stringContaining("/b"),
    expect.stringContaining("/c"),
  ]);
  const numbers = { type: "object", additionalProperties: { type: "number" } };
  const wrong = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`k${n}`, "x"]));
  expect(await check.misfits(numbers, wrong, signal)).toHaveLength(10);
});

describe("what is hostile ends in time and holds nothing up", () => {
  const doubling = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [
      `d${n}`,
      { anyOf: [{ $ref: `#/$defs/d${n + 1}` }, { $ref: `#/$defs/d${n + 1}` }] },
    ]),
  );
  const deep = (levels: number): object => (levels === 0 ? {} : object({ a: deep(levels - 1) }));
  const cases: [string, object, unknown][] = [
    [
      "a pattern that backtracks",
      object({ a: { pattern: "^(a+)+$" } }),
      { a: `${"a".repeat(60)}!` },
    ],
    [
      "branches that double at each level",
      object({ a: { $ref: "#/$defs/d0" } }, { $defs: { ...doubling, d40: { type: "string" } } }),
      { a: 1 },
    ],
    ["a schema of itself", { $ref: "#", type: "object" }, {}],
    [
      "thousands of items that must differ",
      object({ a: { type: "array", uniqueItems: true } }),
      { a: Array.from({ length: 20_000 }, (_, n) => ({ n })) },
    ],
  ];
  test.each(cases)("%s", async (_, schema, value) => {
    const begun = performance.now();
    let problems: readonly string[] = [];
    const held = await longestHold(async () => {
      const problem = await check.problemOf(schema, signal);
      problems = problem === undefined ? await check.misfits(schema, value, signal) : [problem];
    });
    expect(problems.length).toBeLessThan(11);
    expect(performance.now() - begun).toBeLessThan(60_000);
    expect(held).toBeLessThan(onThisMachine(50, 2));
  });

  test("a schema of 64 KiB, and one that is nested deep", async () => {
    const wide = object(
      Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`p${n}`, { type: "string" }])),
    );
    const held = await longestHold(async () => {
      expect(await check.misfits(wide, { p1: 1 }, signal)).toHaveLength(1);
      expect(await check.problemOf(deep(95), signal)).toBeUndefined();
    });
    expect(held).toBeLessThan(onThisMachine(50, 2));
  });
});

test("a schema and a value for which no process can be started are told so", async () => {
  const schema = object({ later: { type: "number" } });
  const undo = pretendNodeAt(`${process.execPath}-that-is-not-there`);
  const words = "it cannot be checked now, for no process can be started";
  expect(await check.problemOf(schema, signal)).toContain(words);
  expect(await check.misfits(schema, { later: 1 }, signal)).toEqual([
    expect.stringContaining(words),
  ]);
  undo();
  expect(await check.problemOf(schema, signal)).toBeUndefined();
});
