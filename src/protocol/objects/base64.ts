import * as z from "zod";

/** The most bytes of one attachment. */
const mostBytes = 20 * 1024 * 1024;
const longestText = 4 * Math.ceil(mostBytes / 3);
/** Of a longer text the characters are checked where it is decoded: to read it twice takes too long. */
const longestChecked = 1024 * 1024;

/** Bytes in base64. Whoever decodes a long text has to check that nothing in it was left out. */
export const base64Bytes = () =>
  z
    .string()
    .refine(({ length }) => length <= longestText, {
      abort: true,
      error: "has more than 20 MiB of bytes",
    })
    .refine(isBase64, "is no base64")
    .meta({
      format: "base64",
      contentEncoding: "base64",
      pattern: "^$|^(?:[0-9a-zA-Z+/]{4})*(?:(?:[0-9a-zA-Z+/]{2}==)|(?:[0-9a-zA-Z+/]{3}=))?$",
    })
    .describe("The bytes, in base64; at most 20 MiB of them.");

function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  return text.length > longestChecked || /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
