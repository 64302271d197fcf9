// Decodes bytes that are declared as text, or that look like text.

/** The encoding that a byte order mark at the beginning names. */
export function markedEncoding(data: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined {
  const [first, second, third] = data;
  if (first === 0xef && second === 0xbb && third === 0xbf) return "utf-8";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return undefined;
}

/**
 * Decodes text by its byte order mark, else by `charset` (a label of the Encoding Standard), else
 * as UTF-8. Bytes that make no character are replaced. The mark is left out.
 */
export function decodeText(data: Uint8Array, charset?: string): string {
  const label = markedEncoding(data) ?? charset;
  try {
    return new TextDecoder(label).decode(data);
  } catch {
    // An unknown charset. Most text is UTF-8.
    return new TextDecoder().decode(data);
  }
}

/**
 * The text in bytes of an unknown kind. Text is what has a byte order mark, or is UTF-8 without
 * NUL. Undefined for everything else.
 *
 * @param isCut whether more bytes follow; then a character that is cut at the end is left out.
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
