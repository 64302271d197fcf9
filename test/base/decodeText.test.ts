import { expect, it } from "vitest";
import { decodeText, markedEncoding, textIn } from "../../src/base/decodeText.js";

const utf16 = Buffer.from("\ufeffGrüße 汉", "utf16le");
const utf16be = Buffer.from(utf16).swap16();
const latin1 = Buffer.from("Grüße", "latin1");

it("goes by the byte order mark before the charset, and by UTF-8 without both", () => {
  expect([utf16, utf16be, latin1].map(markedEncoding)).toEqual(["utf-16le", "utf-16be", undefined]);
  expect(decodeText(utf16, "utf-8")).toBe("Grüße 汉");
  expect(decodeText(utf16be)).toBe("Grüße 汉");
  expect(decodeText(Buffer.from("\ufeffGrüße"))).toBe("Grüße");
  expect(decodeText(latin1, "iso-8859-1")).toBe("Grüße");
  expect(decodeText(Buffer.from("汉"), "no-such-charset")).toBe("汉");
  expect(decodeText(Buffer.from([0xba, 0xba]), "GBK")).toBe("汉");
});

it("finds text only where it is certain", () => {
  expect(textIn(utf16)).toBe("Grüße 汉");
  expect(textIn(Buffer.from("汉"))).toBe("汉");
  expect(textIn(latin1)).toBeUndefined();
  expect(textIn(Buffer.from([65, 0, 66]))).toBeUndefined();
  expect(textIn(Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x41, 0x00]))).toBeUndefined();
});

it("leaves out a character that the end cuts, where there is more", () => {
  const cut = Buffer.from("ab汉").subarray(0, 4);
  expect(textIn(cut)).toBeUndefined();
  expect(textIn(cut, true)).toBe("ab");
  expect(textIn(utf16.subarray(0, 5), true)).toBe("G");
});
