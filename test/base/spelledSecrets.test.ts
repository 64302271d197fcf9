import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redact } from "../../src/base/redact.js";
import { redactSpelled } from "../../src/base/spelledSecrets.js";
import { cpuTimeOf } from "../helpers/cpuTime.js";

const secret = 's3cr3t/of"mine+7\\x';
const shown = (text: string) => redactSpelled(text, [secret], "[redacted]");

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");
/** How one character may be spelled. */
const spellings: readonly ((char: string) => string)[] = [
  // A bare one of these two would begin an escape.
  (char) => (char === "%" ? "%25" : char === "\\" ? "\\\\" : char),
  (char) => Buffer.from(char).toString("hex").replace(/../g, "%$&"),
  (char) => Buffer.from(char).toString("hex").toUpperCase().replace(/../g, "%$&"),
  (char) => `\\u${hex(char.charCodeAt(0), 4)}`,
  (char) => `\\x${hex(char.charCodeAt(0), 2)}`,
];
const inUnicode = (text: string) =>
  [...text].map((char) => `\\u${hex(char.charCodeAt(0), 4)}`).join("");

describe("a secret that is spelled in another way is replaced", () => {
  it.each([
    ["as a text of JSON", JSON.stringify({ key: secret })],
    ["as a text of JSON in one", JSON.stringify({ text: JSON.stringify({ key: secret }) })],
    ["in a third", JSON.stringify(JSON.stringify(JSON.stringify(secret)))],
    ["in a URL", `https://host/?a=1&key=${encodeURIComponent(secret)}&more=1`],
    ["in a URL inside of a URL", encodeURIComponent(`/?k=${encodeURIComponent(secret)}`)],
    ["in a URL, each character", [...secret].map((c) => `%${hex(c.charCodeAt(0), 2)}`).join("")],
    ["in a URL inside of JSON", JSON.stringify(`"${encodeURIComponent(secret)}"`)],
    ["as PHP writes JSON", JSON.stringify(secret).replaceAll("/", "\\/")],
    ["as Go writes JSON", JSON.stringify(secret).replaceAll("+", "\\u002b")],
    ["in \\u alone", inUnicode(secret)],
    ["in \\u in a text of JSON", JSON.stringify(inUnicode(secret))],
  ])("%s", (_name, text) => {
    expect(shown(text)).toContain("[redacted]");
    expect(shown(`a ${text} b ${text} c`)).toMatch(
      /^a [\s\S]*\[redacted\][\s\S]* b [\s\S]*\[redacted\][\s\S]* c$/,
    );
    let seen = shown(text);
    for (let level = 0; level < 4; level++) {
      expect(seen).not.toContain("s3cr3t");
      expect(seen).not.toContain("7\\x");
      seen = seen.replace(/%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\(.)/gi, (_, byte, unit, char) =>
        char === undefined ? String.fromCharCode(Number.parseInt(byte ?? unit, 16)) : char,
      );
    }
  });

  it("by whatever mixture, and what stands beside it stays to the character", () => {
    const chars = fc.array(fc.nat(spellings.length - 1), { minLength: 8, maxLength: 30 });
    const beside = fc.string({ unit: "grapheme-ascii", maxLength: 20 }).map((text) =>
      // What is no whole escape is none.
      text.replace(/[\\%]$/, "."),
    );
    fc.assert(
      fc.property(chars, beside, beside, (ways, before, after) => {
        const own = ways.map((way, index) => ({ char: `k€"\\%/ü7`[index % 8] ?? "k", way }));
        const value = own.map(({ char }) => char).join("");
        const text = own
          .map(({ char, way }) => {
            const isWide = char.charCodeAt(0) > 255;
            return (isWide && way === 4 ? spellings[3] : spellings[way])?.(char) ?? "";
          })
          .join("");
        fc.pre(!before.includes(value) && text !== value);
        const clean = redactSpelled(`${before}\n${text}\n${after}`, [value], "[x]");
        expect(clean).toBe(`${before}\n[x]\n${after}`);
      }),
      { numRuns: 2000 },
    );
  });
});

it("leaves a text alone that has none, and half an escape", () => {
  for (const text of ["100%", "a\\", "%zz \\u12", "C:\\new", "%E2%82", "\\u0073 3cr3t", ""]) {
    expect(shown(text)).toBe(text);
  }
});

it("is used for the messages about providers, servers and relays", () => {
  expect(redact(`refused: {"key":"${inUnicode(secret)}"}`, [secret])).toBe(
    'refused: {"key":"[redacted]"}',
  );
});

it("takes time in proportion to the text, however it is made", async () => {
  const kinds = [
    "%41",
    "%c3",
    "%f5%80%80%80",
    "\\u0041",
    "\\\\",
    "%2525",
    "\\u005cu005c",
    "%",
    "\\",
  ];
  const texts = (units: number) =>
    kinds.map((kind) => kind.repeat(units / kind.length) + encodeURIComponent(secret));
  const timeOf = (units: number) => {
    const all = texts(units);
    return cpuTimeOf(() => {
      for (const text of all) expect(shown(text)).toContain("[redacted]");
    }, 2);
  };
  await timeOf(20_000);
  const [short, long] = [await timeOf(20_000), await timeOf(320_000)];
  // Sixteen times as long: a second time over the whole for each escape would be 256 times.
  expect(long).toBeLessThan(64 * Math.max(short, 1));
});
