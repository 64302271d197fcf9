import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sourceOf } from "../../src/transport/jsonSource.js";

describe("the source of a value", () => {
  it.each([
    ['{"id":9007199254740993}', ["id"], "9007199254740993"],
    ['{"a":{"id":1},"id" : 1e400 }', ["id"], "1e400"],
    ['{"a":"\\"id\\":7}","id":-0.50}', ["id"], "-0.50"],
    ['{"\\u0069d":12}', ["id"], "12"],
    ['{"id":1,"id":2}', ["id"], "2"],
    [' [ {"id":1} , {"params":{"id":22}} ] ', [1, "params", "id"], "22"],
    ["[[1,2],3]", [1], "3"],
    ["[]", [0], undefined],
    ["[1]", [1], undefined],
    ["{}", ["id"], undefined],
    ["7", ["id"], undefined],
    ['{"id":{"a":[1,"]"]}}', ["id"], '{"a":[1,"]"]}'],
  ])("%s at %j", (text, path, expected) => {
    expect(sourceOf(text, path)).toBe(expected);
  });

  it("parses to the value that JSON.parse gives, for any member of any JSON", () => {
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        fc.constantFrom(undefined, 2),
        (values, indent) => {
          const text = JSON.stringify(values, null, indent);
          const parsed: unknown = JSON.parse(text);
          for (const [index, value] of Object.entries(Object(parsed) as object)) {
            for (const [key, member] of Object.entries(value as object)) {
              const source = sourceOf(text, [Number(index), key]);
              expect(JSON.parse(source ?? "")).toEqual(member);
            }
          }
        },
      ),
    );
  });
});
