// The build puts an empty object in front of copies that get further members. What a program does must stay
// the same, and its objects must share a hidden class.
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { expect, test } from "vitest";
import { withSharedShapes } from "../../scripts/build/sharedShapes.mjs";
import { haveOneClass } from "../helpers/heap.js";

/** What is put in front. */
const front = `...${"{}"},`;

const members = fc.oneof(
  fc.constantFrom("...a", "...b", "...null", "...undefined", "...'xy'", "...[7]", "...deep.c"),
  // No accessors, and no name twice: there V8 itself has another order than the specification.
  fc.constantFrom("q: 1", "c: 2", "'__proto__': null", "['__proto__']: 3"),
  fc.constantFrom("e", "f() { return super.toString(); }", "g: { ...a, h: 5 }", "[e]: { ...b }"),
  fc.constantFrom("i: (({ j, ...k }) => ({ ...k, j }))(deep)", "l: [{ ...deep, ...a }]"),
);
const literals = fc
  .uniqueArray(members, { maxLength: 5 })
  .map((list) => `({ ${list.join(", ")} })`);

/** Everything that can be seen of an object. */
function seen(code: string): string {
  const program = `
    const a = { a: 9, m: 1 };
    const b = JSON.parse('{ "__proto__": { "n": 1 }, "c": 8 }');
    const deep = { c: { o: 1 }, j: 2 };
    const e = "p";
    const look = (value) => typeof value !== "object" || value === null
      ? String(value)
      : [Object.getPrototypeOf(value) === null, Reflect.ownKeys(value).map((key) => [
          String(key), Object.keys(Object.getOwnPropertyDescriptor(value, key)), look(value[key])])];
    JSON.stringify(look(${code}))`;
  try {
    return String(runInNewContext(program));
  } catch (error) {
    return String(error);
  }
}

test("an object is the same as before, whatever it is made of", () => {
  fc.assert(
    fc.property(literals, (code) => {
      expect(seen(withSharedShapes(code))).toBe(seen(code));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["({ ...a, b })", `({${front} ...a, b })`],
  ["f({...a,...b})", `f({${front}...a,...b})`],
  ["g=()=>({...a,b:{...c,d}})", `g=()=>({${front}...a,b:{${front}...c,d}})`],
  ["({ ...a })", "({ ...a })"],
  ["({ b, ...a })", "({ b, ...a })"],
  ["({ b, ...a } = c)", "({ b, ...a } = c)"],
  ["f(...a, b); [...a, b]", "f(...a, b); [...a, b]"],
  ["`{...a, b}` + '{...a, b}' /* {...a, b} */", "`{...a, b}` + '{...a, b}' /* {...a, b} */"],
])("%s becomes %s", (code, changed) => {
  expect(withSharedShapes(code)).toBe(changed);
});

test("objects from one place have one hidden class", () => {
  const make: (more: object) => object = runInNewContext(
    withSharedShapes("const first = { a: 1, b: 2 }; (more) => ({ ...first, ...more, c: 3 })"),
  );
  const [one, other] = [make({ d: 1 }), make({ d: 2 })];
  expect(haveOneClass()(one, other)).toBe(true);
});
