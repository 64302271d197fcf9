import { describe, expect, it } from "vitest";
import { fitSchema, shownText } from "../../src/mcp/fitSchema.js";

const a = { type: "string" };

describe("a schema that providers take", () => {
  it.each([
    ["oneOf at the top", { type: "object", oneOf: [{ required: ["a"] }], properties: { a } }],
    ["anyOf and allOf there", { type: "object", anyOf: [{}], allOf: [{}], properties: { a } }],
    ["required that is no list", { type: "object", properties: { a }, required: "a" }],
    [
      "required that is not there",
      { type: "object", properties: { a }, required: ["b", 1, "toString"] },
    ],
  ])("is what is left of one with %s", (_, schema) => {
    expect(fitSchema(schema)).toEqual({ type: "object", properties: { a } });
  });

  it.each([
    ["null", null],
    ["missing", undefined],
  ])("has properties where they are %s", (_, properties) => {
    expect(fitSchema({ type: "object", properties })).toEqual({ type: "object", properties: {} });
  });

  it("keeps what providers take, each required name once", () => {
    const schema = {
      type: "object",
      properties: { a: { anyOf: [a] }, b: true },
      required: ["a", "a"],
    };
    expect(fitSchema({ ...schema, $defs: { x: a } })).toEqual({
      ...{ type: "object", $defs: { x: a }, required: ["a"] },
      properties: { a: { anyOf: [a] }, b: {} },
    });
  });

  it.each([
    ["properties that are a list", { properties: [] }],
    ["a property that is no schema", { properties: { a: "string" } }],
    [
      "a nesting without end",
      { properties: { a: JSON.parse(`${'{"a":'.repeat(60)}1${"}".repeat(60)}`) } },
    ],
  ])("is not made of one with %s", (_, schema) => {
    expect(fitSchema({ type: "object", ...schema })).toBeUndefined();
  });
});

it("a title is one line that hides nothing and poses as nothing", () => {
  const title = 'Read"\n\u001b[2J of the tool server "trusted\u202e\u200b';
  expect(shownText(title)).toBe("Read [2J of the tool server trusted");
  expect(shownText("x".repeat(5_000))).toHaveLength(100);
});
