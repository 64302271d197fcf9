import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isNestedDeeper } from "../../src/base/jsonDepth.js";
import { mostJsonValues, parseInSteps, TooManyValues } from "../../src/base/steppedJson.js";
import { longestHold, onThisMachine } from "../helpers/longestHold.js";

/** A text as both read it: its value, or that it is none. */
async function both(text: string) {
  let native: unknown = "not JSON";
  try {
    native = JSON.parse(text);
  } catch {
    // That is what is compared.
  }
  const stepped = await parseInSteps(Buffer.from(text)).then(
    ({ value }) => value,
    (error: Error) => (error instanceof SyntaxError ? "not JSON" : error.name),
  );
  return { native, stepped };
}

/** A string that is read in several pieces, which are cut wherever `before` moves them to. */
const long = (before: number, piece: string) =>
  `"${"x".repeat(before)}${piece.repeat(Math.ceil(140_000 / piece.length))}"`;

describe("JSON that is read in steps has the value that JSON.parse gives", () => {
  it.each([
    ["an empty text", ""],
    ["blanks alone", " \n"],
    ["blanks around everything", ' \t{ "a" \n:\r[ 1 , 2 ] , "b" : { } } '],
    ["a scalar", "-12.5e3"],
    ["names of JavaScript", '{"__proto__":{"a":1},"constructor":2,"toString":3,"0":4}'],
    ["a member twice", '{"a":1,"b":2,"a":3}'],
    ["a long number", `[${"9".repeat(400)}]`],
    ["numbers that are none", "[01]"],
    ["a comma too many", "[1,]"],
    ["a comma too many in an object", '{"a":1,}'],
    ["a comma too few", "[1 2]"],
    ["a name without a value", '{"a"}'],
    ["a name without quotes", "{a:1}"],
    ["a value for a name", "{1:1}"],
    ["two values", "{}{}"],
    ["an end of another kind", "[1}"],
    ["an end of what never began", "]"],
    ["an end that is missing", '{"a":[1'],
    ["a string without its end", '["abc'],
    ["a string that ends in an escape", '["abc\\'],
    ["an escape that is none", '["\\x"]'],
    ["an escape that is cut short", '["\\u12"]'],
    ["a line end in a string", '["a\nb"]'],
    ["half a pair", '["\\ud83d", "\\ude00"]'],
    ["a word that is none", "[nul]"],
    ["a byte order mark", "\uFEFF1"],
  ])("%s", async (_, text) => {
    const { native, stepped } = await both(text);
    expect(stepped).toEqual(native);
    expect(Object.keys(Object(stepped))).toEqual(Object.keys(Object(native)));
    expect(Object.getPrototypeOf(Object(stepped))).toBe(Object.getPrototypeOf(Object(native)));
  });

  it.each(["ab", "я", "汉字", "😀", "\\n", '\\"', "\\\\", "\\u00e9", "\\ud83d\\ude00", "a\\/я"])(
    "long strings of %s, wherever they are cut",
    async (piece) => {
      for (let before = 0; before < 13; before++) {
        const { native, stepped } = await both(long(before, piece));
        expect(stepped === native).toBe(true);
      }
    },
  );

  it("any other", async () => {
    const json = fc.json({ maxDepth: 6 });
    // A valid text with some characters in the place of others.
    const broken = fc
      .tuple(json, fc.nat(), fc.constantFrom(...'[]{},:"\\ 0-e.tn\n'))
      .map(([text, place, character]) => {
        const at = place % (text.length + 1);
        return text.slice(0, at) + character + text.slice(at + 1);
      });
    await fc.assert(
      fc.asyncProperty(fc.oneof(json, broken), async (text) => {
        const { native, stepped } = await both(text);
        expect(stepped).toEqual(native);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what is told of JSON that is read in steps", () => {
  const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}${"]}".repeat(depth / 2)}`;

  it.each([198, 200, 202, 204, 5000])("is the depth of a message's members: %i", async (depth) => {
    const other = `"other":{"b":[]}`;
    for (const text of [`{"p":${nested(depth)},${other}}`, `[1,{"p":${nested(depth)},${other}}]`]) {
      const json = await parseInSteps(Buffer.from(text));
      const message = Object(Array.isArray(json.value) ? json.value[1] : json.value);
      const isDeeper = isNestedDeeper(JSON.parse(nested(depth)));
      expect(json.depthOf(message.p) > 200).toBe(isDeeper);
      expect(isNestedDeeper(message.p)).toBe(isDeeper);
      expect(json.depthOf(message.other)).toBe(0);
    }
  });

  it("is an id that JavaScript cannot hold", async () => {
    const { value, idTextOf } = await withMethods(
      '{"id":9007199254740993,"params":{"id":1.5e400}}',
    );
    expect(idTextOf(value)).toBe("9007199254740993");
    expect(idTextOf(Object(value).params)).toBe("1.5e400");
    const small = await withMethods('{"id":1,"params":{}}');
    expect(small.idTextOf(small.value)).toBeUndefined();
  });

  it("is that there are too many values", async () => {
    const count = (values: number) => Buffer.from(`[${"0,".repeat(values - 2)}0]`);
    const { value } = await parseInSteps(count(mostJsonValues));
    expect(value).toHaveLength(mostJsonValues - 1);
    await expect(parseInSteps(count(mostJsonValues + 1))).rejects.toThrow(TooManyValues);
  });

  async function withMethods(text: string) {
    const json = await parseInSteps(Buffer.from(text));
    return { value: json.value, idTextOf: (of: unknown) => json.idTextOf(of) };
  }
});

it.each([
  ["brackets", "[".repeat(5_000_000) + "]".repeat(5_000_000)],
  ["empty objects", `[${"{},".repeat(900_000)}1]`],
  ["members", `{${Array.from({ length: 200_000 }, (_, n) => `"k${n}":1`).join(",")}}`],
  ["blanks", `${" ".repeat(20_000_000)}1`],
  ["one string", `"${"я".repeat(10_000_000)}"`],
  ["strings", `[${'"abc",'.repeat(900_000)}1]`],
])("megabytes of %s hold nothing up", async (_, text) => {
  const bytes = Buffer.from(text);
  const read = () => parseInSteps(bytes);
  await longestHold(read);
  // A step of a machine that does nothing else is much shorter.
  expect(await longestHold(read)).toBeLessThan(onThisMachine(100, 20));
});
