import { randomFillSync } from "node:crypto";

/** Where ids come from, so that a test can predict them. */
export interface Ids {
  /** A new id that begins with `prefix` and never repeats. */
  next(prefix: string): string;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Bytes from here on are skipped: with them, some characters would be likelier than others. */
const evenBytes = 256 - (256 % alphabet.length);
/**
 * 95 bits: among a thousand million ids, the chance that any two are the same is one in 10^10. They
 * are in every event, so longer ones would cost on every chunk.
 */
const length = 16;
/** 131 bits: a client that knows the id may acknowledge it, so nobody must be able to guess it. */
const longLength = 22;
const longPrefixes: ReadonlySet<string> = new Set(["cli", "cmp"]);

/** Random ids; opaque to clients (protocol.md section 3). */
export const randomIds: Ids = {
  next: (prefix) => `${prefix}_${randomText(longPrefixes.has(prefix) ? longLength : length)}`,
};

/**
 * Random bytes for some hundred ids: asking the system once for each id would take most of the
 * time.
 */
const pool = Buffer.alloc(4096);
let used = pool.length;

function randomByte(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const byte = pool[used] ?? 0;
  // Each byte is used once.
  pool[used++] = 0;
  return byte;
}

function randomText(size: number): string {
  let text = "";
  while (text.length < size) {
    const byte = randomByte();
    if (byte < evenBytes) text += alphabet[byte % alphabet.length];
  }
  return text;
}
