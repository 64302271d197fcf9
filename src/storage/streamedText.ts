// Text of a message that streams: what came since the message was stored as a whole. So what a long
// answer writes grows with its length; the whole of it at every batch would grow with its square.
import type { Database } from "./database.js";

/** The number of schema steps from which on the pieces exist. */
const streamedTextFrom = 22;

/** Text that was appended to a part. */
export interface StreamedPiece {
  readonly partIndex: number;
  /** Where it begins in the part's text, in UTF-16 units. */
  readonly offset: number;
  readonly text: string;
}

/** The pieces of one message. */
export interface StreamedPieces {
  readonly pieces: readonly StreamedPiece[];
  /** When the newest was written, in milliseconds since the Unix epoch. */
  readonly writtenAt: number;
}

/** Stores and reads the pieces of messages. */
export class StreamedText {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Whether the file can have pieces: not while a server lives that began with an older schema. */
  get isThere(): boolean {
    return this.#database.steps >= streamedTextFrom;
  }

  /** Adds pieces to those of a message. */
  add(messageId: string, pieces: readonly StreamedPiece[], now: number): void {
    const values = pieces.map(({ partIndex, offset, text }) => [partIndex, offset, text]);
    this.#database
      .prepare(
        `INSERT INTO streamedText (message, pieces, writtenAt)
         SELECT position, ?, ? FROM messages WHERE id = ?`,
      )
      .run(JSON.stringify(values), now, messageId);
  }

  /**
   * Makes the pieces of a session's messages, between two positions, a part of the messages. Whoever
   * streams one of them goes on behind that.
   */
  fold(sessionId: string, after: number, upTo: number): void {
    if (!this.isThere) return;
    const rows = this.#database
      .prepare(
        `SELECT position, parts FROM messages WHERE sessionId = ? AND position > ? AND position <= ?
           AND EXISTS (SELECT 1 FROM streamedText WHERE message = messages.position)`,
      )
      .all(sessionId, after, upTo);
    const replace = this.#database.prepare("UPDATE messages SET parts = ? WHERE position = ?");
    for (const { position, parts } of rows) {
      const found = this.of(Number(position));
      if (found !== undefined) {
        replace.run(withPieces(String(parts), found.pieces), Number(position));
      }
    }
  }

  /** The pieces of the message at a position; undefined if it has none. */
  of(position: number): StreamedPieces | undefined {
    const rows = this.#database
      .prepare("SELECT pieces, writtenAt FROM streamedText WHERE message = ? ORDER BY position")
      .all(position);
    const last = rows.at(-1);
    if (last === undefined) return undefined;
    const pieces = rows.flatMap((row) => piecesIn(String(row.pieces)));
    return { pieces, writtenAt: Number(last.writtenAt) };
  }
}

function piecesIn(text: string): StreamedPiece[] {
  const values = parsed(text);
  if (!Array.isArray(values)) return [];
  return values.flatMap((value: unknown) => {
    if (!Array.isArray(value)) return [];
    const [partIndex, offset, piece]: unknown[] = value;
    const isPiece =
      typeof partIndex === "number" && typeof offset === "number" && typeof piece === "string";
    return isPiece ? [{ partIndex, offset, text: piece }] : [];
  });
}

/** The member of a part that streams, by the kind of the part. */
const streaming: Readonly<Record<string, string>> = {
  text: "text",
  reasoning: "text",
  toolCall: "input",
  toolResult: "output",
};

/**
 * A message's stored parts, which are JSON, with its pieces. A piece that does not follow what is
 * there, and all after it, are left out: then what is there is the beginning of what was said.
 */
export function withPieces(parts: string, pieces: readonly StreamedPiece[]): string {
  const whole = parsed(parts);
  if (!Array.isArray(whole)) return parts;
  for (const { partIndex, offset, text } of pieces) {
    const part: unknown = whole[partIndex];
    if (typeof part !== "object" || part === null) break;
    const member = streaming[String(Reflect.get(part, "type"))];
    const before: unknown = member === undefined ? undefined : Reflect.get(part, member);
    if (member === undefined || typeof before !== "string" || offset > before.length) break;
    // It was written twice where the first time had seemed to fail.
    Reflect.set(part, member, before + text.slice(before.length - offset));
  }
  return JSON.stringify(whole);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The reader of the message reports it.
    return undefined;
  }
}
