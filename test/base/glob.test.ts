import picomatch from "picomatch";
import { describe, expect, test } from "vitest";
import { compileGlob, maxGlobLength } from "../../src/base/glob.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";
import { SeededRandom } from "../helpers/seededRandom.js";

describe("a glob", () => {
  test.each([
    ["*", "a", true],
    ["*", "a/b", false],
    ["*", ".env", true],
    ["a*c", "abbc", true],
    ["a?c", "a/c", false],
    ["a?c", "a😀c", true],
    ["**", "a/b/c", true],
    ["**", "", true],
    ["a/**", "a", true],
    ["a/**", "ab", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["**/b", "b", true],
    ["a**b", "axb", true],
    ["a**b", "a/b", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[^a]x", "/x", false],
    ["[]a]", "]", true],
    ["[a\\]b]", "]", true],
    ["[a-]", "-", true],
    ["[", "[", true],
    ["{a,b/c}", "b/c", true],
    ["{a,{b,c}d}", "cd", true],
    ["{src,test/**}/x", "test/a/b/x", true],
    ["{a}", "{a}", true],
    ["{a,b", "{a,b", true],
    ["{a,{b,c}", "{a,b", true],
    ["a\\*", "a*", true],
    ["a\\*", "ab", false],
    ["!a", "!a", true],
    ["@(a|b)", "@(a|b)", true],
    ["a\\", "a\\", true],
    ["", "", true],
    ["", "a", false],
    ["src/**", "src/a\nb/c", true],
  ])("%j on %j: %s", (pattern, path, expected) => {
    expect(compileGlob(pattern)(path)).toBe(expected);
  });

  test("means what picomatch means by it", () => {
    const patterns = [
      ...["*", "**", "a", "a/*", "a/**", "**/a", "**/*.ts", "a/**/b", "*.{ts,js}", "{a,b}/**"],
      ...["a?c", "[ab]c", "[!a]c", "a/[b-d]/*", "{src,test/**}/x", "**/{a,b}.ts", "a**b", "**a"],
      ...["a/**b/c", ".*", "**/.env*", "x{y,z/{q,r}}", "a/{b,**}/c", "/**", "/a/**", "/a/*.md"],
      ...["**/**", "*/**", "**/*/**", "a/{**/b,c}", "a*/**", "?/**", "[ab]/**", "**/a/**"],
    ];
    const parts = ["a", "b", "c", "src", "test", "x", "ab", "abc", ".env", "a.ts", "b.js", "q"];
    const random = new SeededRandom(7);
    const pick = <T>(from: readonly T[]) => from[random.between(0, from.length - 1)] as T;
    for (let i = 0; i < 10_000; i++) {
      const pattern = pick(patterns);
      const length = random.between(1, 4);
      const way = Array.from({ length }, () => pick(parts)).join("/");
      const path = random.next() < 0.2 ? `/${way}` : way;
      const options = { dot: true, nonegate: true, noextglob: true, flags: "s" };
      const theirs = picomatch.isMatch(path, pattern, options);
      expect([pattern, path, compileGlob(pattern)(path)]).toEqual([pattern, path, theirs]);
    }
  });

  test.each([
    "*a".repeat(245).concat("b"),
    "**/a/".repeat(95).concat("b"),
    "{*,".repeat(120).concat("b", "}".repeat(120), "!"),
    "{*,*}".repeat(95).concat("x"),
    "{".repeat(499).concat("!"),
    "{,".repeat(249).concat("!"),
    "[".repeat(499).concat("!"),
    `*[${"a-b".repeat(150)}]*x`,
  ])("of a hostile kind is matched in bounded time: %#", async (pattern) => {
    const match = () => {
      for (const path of ["a".repeat(4_096), "a/".repeat(2_048), "{".repeat(4_096)]) {
        expect(compileGlob(pattern)(path)).toBe(false);
      }
    };
    // For all three; a regular expression needs more than a lifetime.
    expect(await cpuTimeOf(match)).toBeLessThan(onThisMachine(1_000));
  });

  test("that is longer than it may be is refused", () => {
    expect(() => compileGlob("a".repeat(maxGlobLength + 1))).toThrow(RangeError);
  });
});
