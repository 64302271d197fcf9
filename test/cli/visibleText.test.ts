import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visibleLine, visibleLines } from "../../src/cli/visibleText.js";

describe("text that a person may look at", () => {
  it.each([
    ["a tab", "a\tb", "a⇥b"],
    ["a carriage return, which would begin the line anew", "rm x\rls", "rm x␍ls"],
    ["an escape", "\u001b[2Ka", "␛[2Ka"],
    ["a backspace", "ab\b", "ab␈"],
    ["a delete", "\u007f", "␡"],
    ["a NUL", "\0", "␀"],
    ["a C1 control", "\u009b2J", "\\u{009B}2J"],
    ["a line feed in one line", "a\nb", "a⏎b"],
    [
      "an order of reading that is turned",
      "a\u202eb\u2066c\u061c",
      "a\\u{202E}b\\u{2066}c\\u{061C}",
    ],
    [
      "what has no width",
      "a\u200bb\u2060\ufeff\u00ad\u034f",
      "a\\u{200B}b\\u{2060}\\u{FEFF}\\u{00AD}\\u{034F}",
    ],
    ["a tag character", "a\u{e0041}", "a\\u{E0041}"],
    ["a filler that looks like nothing", "\u3164\u115f\u2800", "\\u{3164}\\u{115F}\\u{2800}"],
    ["another blank than the usual", "a\u00a0b\u3000c", "a\\u{00A0}b\\u{3000}c"],
    ["a separator of lines", "a\u2028b", "a\\u{2028}b"],
    ["half a character", "\ud83d!", "\\u{D83D}!"],
    ["blanks at the end", "ls   ", "ls···"],
    ["a run of blanks", `a${" ".repeat(10)}b`, `a${"·".repeat(10)}b`],
    ["a run that would push the rest away", `a${" ".repeat(200)}; rm`, "a␠×200; rm"],
  ])("marks %s", (_, text, shown) => {
    expect(visibleLine(text)).toBe(shown);
  });

  it("leaves what is seen as it is", () => {
    const text = "if (a) { echo 'ä 漢字 😀 עברית' | grep -E \"^x$\"; }  # ok";
    expect(visibleLine(text)).toBe(text);
  });

  it("shows the end of each line but the last", () => {
    expect(visibleLines("a\nb\r\n")).toEqual(["a⏎", "b␍⏎", ""]);
  });

  it("holds nothing that moves a cursor, whatever it was", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(visibleLine(text)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
