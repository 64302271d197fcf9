// Bytes that are said to be text, or look like it, as text.

/** The encoding that a byte order mark at the beginning names. */
export function markedEncoding(data: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined {
  const [first, second, third] = data;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

/**
 * Decodes text: by its byte order mark, else as `charset` says (a label of the Encoding Standard), else
 * as UTF-8. Bytes that make no character are replaced. The mark is left out.
 */
export function decodeText(data: Uint8Array, charset?: string): string {
  const label = markedEncoding(data) ?? charset;
  try {
    return new TextDecoder(label).decode(data);
  } catch {
    // A charset that nobody knows: most text is UTF-8.
    return new TextDecoder().decode(data);
  }
}

/**
 * The text in bytes of an unknown kind: what has a byte order mark, and UTF-8 without NUL. Undefined
 * for anything else.
 *
 * @param isCut whether the bytes are the beginning of more; a character that is cut is left out then.
 */
export function textIn(data: Uint8Array, isCut = false): string | undefined {
  const encoding = markedEncoding(data);
  if (encoding === undefined && data.includes(0)) return undefined;
  try {
    const decoder = new TextDecoder(encoding ?? "utf-8", { fatal: true });
    return decoder.decode(data, { stream: isCut });
  } catch {
    // The bytes are no text of this encoding.
    return undefined;
  }
}
