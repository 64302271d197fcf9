// Text in which a chunk that is lost, doubled or moved shows.

/** One chunk of `bytes` characters. */
export function chunkText(index: number, bytes: number): string {
  return `${index} `.padStart(bytes, "abcdefghij").slice(-bytes);
}

/** The text of `count` chunks. */
export function textOf(count: number, bytes: number): string {
  return Array.from({ length: count }, (_, index) => chunkText(index, bytes)).join("");
}
