import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { coercedInput } from "../../src/agent/coercedInput.js";
import { checkToolInput } from "../../src/agent/toolInput.js";

const schema = z.object({
  count: z.int().optional(),
  ratio: z.number().optional(),
  isDeep: z.boolean().optional(),
  name: z.string().optional(),
  list: z.array(z.object({ at: z.int() })).optional(),
  either: z.union([z.string(), z.int()]).optional(),
  none: z.string().nullable().optional(),
});
const jsonSchema = z.toJSONSchema(schema, { io: "input", target: "draft-7" });
const check = (value: unknown) => checkToolInput(schema, jsonSchema, value);

describe("an input of another type than the schema wants", () => {
  it.each<[object, object]>([
    [{ count: "1" }, { count: 1 }],
    [{ count: " -12 " }, { count: -12 }],
    [{ ratio: "1.5e3" }, { ratio: 1500 }],
    [{ isDeep: "true" }, { isDeep: true }],
    [{ isDeep: "false" }, { isDeep: false }],
    [{ name: 7 }, { name: "7" }],
    [{ list: '[{"at":"3"}]' }, { list: [{ at: 3 }] }],
    [{ list: ['{"at":3}'] }, { list: [{ at: 3 }] }],
    [{ count: null, name: null }, {}],
    [{ none: null }, { none: null }],
    [{ either: "1" }, { either: "1" }],
    [{ either: 1 }, { either: 1 }],
  ])("is taken where nothing is lost: %j", (value, taken) => {
    const before = structuredClone(value);
    expect(check(value)).toEqual({ ok: true, value: taken });
    expect(value).toEqual(before);
  });

  it.each(["anyOf", "oneOf"])("keeps a null that one of its branches takes: %s", (branches) => {
    const none = { [branches]: [{ type: "string" }, { type: "null" }] };
    const some = { [branches]: [{ type: "string" }, { type: "number" }] };
    const members = { type: "object", properties: { none, some } };
    expect(coercedInput(members, { none: null, some: null })).toEqual({ none: null });
  });

  it("is taken as a whole from its text", () => {
    expect(check('{"count":"1"}')).toEqual({ ok: true, value: { count: 1 } });
  });

  it.each([
    { count: "1.5" },
    { count: "one" },
    { count: "" },
    { count: "0x10" },
    { count: "01" },
    { count: "9007199254740993" },
    { ratio: "Infinity" },
    { ratio: "1e999" },
    { isDeep: "yes" },
    { isDeep: 1 },
    { list: "a.txt" },
    { list: '{"at":1}' },
    { list: "[1" },
    { name: { text: "a" } },
  ])("is refused, as it was written, where something would be: %j", (value) => {
    const checked = check(value);
    expect(checked.ok).toBe(false);
    expect(checked).toMatchObject({
      problem: expect.stringContaining(Object.keys(value)[0] ?? ""),
    });
  });

  it("stays the same object where it fits", () => {
    fc.assert(
      fc.property(fc.record({ count: fc.integer(), name: fc.string() }), (value) => {
        expect(coercedInput(jsonSchema, value)).toBe(value);
      }),
    );
  });

  it("is no way to the members that every object has", () => {
    const value = JSON.parse('{"__proto__": "1", "constructor": "1", "count": "2"}');
    const taken = coercedInput(jsonSchema, value) as object;
    expect(Object.getPrototypeOf(taken)).toBe(Object.prototype);
    expect(Object.keys(taken)).toEqual(["__proto__", "constructor", "count"]);
  });
});
