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
      type: "object",
      $defs: { x: a },
      required: ["a"],
      properties: { a: { anyOf: [a] }, b: {} },
    });
  });

  it.each([
    ["required: true", { type: "string", required: true }, { type: "string" }],
    ["required: 'a'", { type: "object", required: "a" }, { type: "object" }],
    ["a type that is none", { type: "file", description: "x" }, { description: "x" }],
    ["a type among types", { type: ["string", "date"] }, {}],
    ["no properties", { type: "object", properties: null }, { type: "object" }],
    ["an empty enum", { type: "string", enum: [] }, { type: "string" }],
    ["items of an older draft", { type: "array", items: [a] }, { type: "array" }],
    ["a limit of an older draft", { minimum: 1, exclusiveMinimum: true }, { minimum: 1 }],
    ["a pattern that is none", { type: "string", pattern: {} }, { type: "string" }],
    ["a choice of nothing", { anyOf: [] }, {}],
    ["a choice of anything", { anyOf: [true, { type: "x" }, a] }, { anyOf: [{}, {}, a] }],
    ["a description that is null", { type: "string", description: null }, { type: "string" }],
    ["a map to what is no schema", { additionalProperties: "string" }, {}],
    ["no map", { type: "object", additionalProperties: false }, undefined],
  ])("is left with what is right of a part with %s", (_, part, expected) => {
    const fit = expected ?? part;
    const deep = (one: object) => ({ type: "array", items: { properties: { b: one } } });
    const properties = { a: part, deep: deep(part) };
    expect(fitSchema({ type: "object", properties, $defs: { d: part } })).toEqual({
      type: "object",
      properties: { a: fit, deep: deep(fit) },
      $defs: { d: fit },
    });
  });

  it("may have properties that are called like keywords", () => {
    const properties = { type: a, required: { type: "boolean" }, properties: a, __proto: a };
    const required = ["type", "required"];
    expect(fitSchema({ type: "object", properties, required })).toEqual({
      type: "object",
      properties,
      required,
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
