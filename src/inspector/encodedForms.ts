/**
 * How a secret looks when a program has written it in another way: as a text of JSON, in a URL, in hex, or in
 * base64, by itself or in the middle of something. Other spellings of characters are read where a whole text
 * is at hand (`redactSpelled`); a text in pieces is only searched for these.
 */

/** These forms of a value, without the value itself. */
export function encodedForms(value: string): Set<string> {
  // Half a character of UTF-16 has no form in a URL.
  const inUrl = encodeURIComponent(Buffer.from(value).toString());
  const inHex = Buffer.from(value).toString("hex");
  const forms = new Set([
    JSON.stringify(value).slice(1, -1),
    inUrl,
    inUrl.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    inUrl.replaceAll("%20", "+"),
    inHex,
    inHex.toUpperCase(),
  ]);
  for (const before of [0, 1, 2]) {
    const text = inBase64(value, before);
    forms.add(text);
    forms.add(text.replaceAll("+", "-").replaceAll("/", "_"));
  }
  forms.delete(value);
  return forms;
}

/**
 * What base64 always has of a value that begins `before` bytes behind a multiple of three: without the
 * characters at both ends that also depend on what stands beside it.
 */
function inBase64(value: string, before: number): string {
  const bytes = Buffer.from(value);
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
  const whole = Math.floor(((before + bytes.length) * 8) / 6);
  return text.slice(Math.ceil((before * 8) / 6), whole);
}
