// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the braces are the subject here.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { expand, isWellFormed, variablesIn } from "../../src/config/variables.js";

const env = { KEY: "k", OTHER: "$KEY", EMPTY: "", BLANK: " \n" };

describe("a text with variables", () => {
  test.each([
    ["plain", "plain"],
    ["$KEY", "k"],
    ["${KEY}", "k"],
    ["Bearer $KEY", "Bearer k"],
    ["${KEY}y$KEY", "kyk"],
    ["$$KEY", "$KEY"],
    ["$$$KEY", "$k"],
    ["$$$$", "$$"],
    ["$OTHER", "$KEY"],
  ])("%s becomes %s", (text, value) => {
    expect(isWellFormed(text)).toBe(true);
    expect(expand(text, env)).toEqual({ value });
  });

  test.each(["$MISSING", "a ${MISSING}", "$KEY $MISSING"])("%s names what is unset", (text) => {
    expect(expand(text, env)).toEqual({ unset: "MISSING" });
  });

  test("takes an empty variable and a blank one for unset", () => {
    expect(expand("$EMPTY", env)).toEqual({ unset: "EMPTY" });
    expect(expand("$BLANK", env)).toEqual({ unset: "BLANK" });
  });

  test.each(["$", "a$", "$5", "${}", "${KEY", "$$$", "$-"])("%s is not well formed", (text) => {
    expect(isWellFormed(text)).toBe(false);
  });

  test("names each variable once, in order", () => {
    expect(variablesIn("$B ${A} $B $$C")).toEqual(["B", "A"]);
  });

  test("can say anything, with its dollar signs doubled", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const text = value.replaceAll("$", "$$$$");
        expect(isWellFormed(text)).toBe(true);
        expect(expand(text, {})).toEqual({ value });
      }),
    );
  });
});
