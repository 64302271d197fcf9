// What a model can write must not hold up the server: lines that are long, deep or both are left
// undecided soon.
import { describe, expect, test } from "vitest";
import { cpuTimeOf } from "../helpers/cpuTime.js";
import { onThisMachine } from "../helpers/longestHold.js";
import { verdictOn } from "./lines/row.js";

const pieces = [
  ...["$(", "(", "((", "{ ", "\x24{x:-", "`", '"$(', "[[ ( ", "if ", "<(", "a=(", "$((", "<<E\n"],
  ...[
    "case x in (",
    "\\`",
    '"\x24{x:-',
    "'",
    "f()",
    "! ",
    "a|",
    "a&&",
    "{",
    "{a,",
    "[",
    "a[",
    "$[",
  ],
  ...["@(", "[[ a || ", "$'", "x=", "for x in ", "x[$(", "{a..b}", "\x24{x/a/", "coproc ", "time "],
  ...["sudo ", "echo a; ", "rm ", "rm -rf ", "xargs ", "find -exec ", "sh -c '", "env a=b ", "-- "],
  ...["*", "$x", "git ", "-r -f ", "a b ", '"a" ', "é", "\u00a0", "{a,b}", "eval ", "-exec rm ; "],
];
const sizes = [400, 4_000, 16_000, 30_000, 1_000_000];
const rules = {
  allow: ["bash:ls*", "bash:git *", "bash:*x*y*z", "bash:find *"],
  deny: ["bash:rm -rf*", "bash:*a*a*a*a*a*b", "bash:git push --force*", "bash:a*b*c*", "bash:./x*"],
};

describe("a hostile line", () => {
  test.each(pieces)("of %j takes only a moment, whatever its length", async (piece) => {
    const mostMs = onThisMachine(100);
    for (const size of sizes) {
      const line = piece.repeat(Math.ceil(size / piece.length));
      const verdict = () => verdictOn({ ...rules, line, mode: "allow" }, "/repo");
      expect(await cpuTimeOf(verdict), `${size} characters`).toBeLessThan(mostMs);
    }
  });

  test.each(["ls; ", "(ls) | ", "$(ls "])(
    "of many %j that is too long is not allowed",
    async (piece) => {
      const line = `${piece.repeat(20_000)}ls`;
      expect(await verdictOn({ allow: ["bash:ls*"], line }, "/repo")).toBe("ask");
    },
  );
});
