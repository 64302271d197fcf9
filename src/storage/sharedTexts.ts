// The text of a completion also stands in its message. Once a completion is acknowledged, nobody has to
// send it again, so its text is kept in the message alone (protocol.md section 9).
import { cutText } from "../base/text.js";
import { readOr } from "./damage.js";
import type { Database } from "./database.js";
import { isRelayed } from "./relayHold.js";

/** The most text that a completion carries, in UTF-16 units; `getMessage` has the whole. */
export const maxCompletionText = 1024 * 1024;

/** A shorter text is not worth a write, in UTF-16 units. */
const shortText = 1024;
/** A larger message is not read for this: reading it would hold up the event loop. */
const mostMessageBytes = 4 * 1024 * 1024;
/** One step ends after so many bytes of completions and messages. */
const bytesPerStep = 2 * 1024 * 1024;

/** What is read here of a completion's body. */
interface SharedBody {
  readonly messageId?: string | undefined;
  readonly text: string;
  readonly textTruncated?: boolean | undefined;
  /** The text is the one of the message. This is how it is stored; no client gets this member. */
  readonly textInMessage?: true;
}

/** The texts that completions share with their messages. */
export class SharedTexts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * A completion's body as it was written. If its text is the one of a message that cannot be read any
   * more, or was deleted, the text is empty and `textTruncated` is true.
   */
  whole<Body extends SharedBody>(body: Body): Body {
    const { textInMessage, textTruncated, ...rest } = body;
    if (textInMessage !== true) return body;
    const told = { ...rest, text: "", textTruncated: true };
    const found = this.#messageText(body.messageId ?? "")?.text;
    if (found === undefined) return told as unknown as Body;
    const text = cutText(found, maxCompletionText);
    return (text === found ? { ...rest, text } : { ...told, text }) as unknown as Body;
  }

  /**
   * Takes their texts out of acknowledged completions, as far as their messages have the same texts;
   * returns how many completions were looked at. The rest is for the next step. What a relay has not taken
   * stays as it is: the message may be deleted before.
   */
  share(completionIds: readonly string[]): number {
    let looked = 0;
    let bytes = 0;
    this.#database.write(() => {
      for (const id of completionIds) {
        looked++;
        bytes += readOr(
          () => this.#shareOne(id),
          // Damaged rows stay as they are. The next that reads them reports it.
          () => 0,
        );
        if (bytes >= bytesPerStep) break;
      }
    });
    return looked;
  }

  /** Returns how many bytes were read for it. */
  #shareOne(completionId: string): number {
    const row = this.#database
      .prepare(
        `SELECT sequence, octet_length(body) AS size, body FROM completions
         WHERE completionId = ? AND acknowledgedAt IS NOT NULL AND octet_length(body) BETWEEN ? AND ?
           AND ${isRelayed(this.#database)}`,
      )
      .get(completionId, shortText, maxCompletionText * 6);
    if (typeof row?.body !== "string") return 0;
    const size = Number(row.size);
    const body = sharedBodyOf(row.body);
    if (body === undefined || body.text.length < shortText) return size;
    const message = this.#messageText(body.messageId ?? "");
    if (message === undefined) return size;
    if (cutText(message.text, maxCompletionText) === body.text) {
      // A server of an older version gives this out as it is: it says where the whole text is.
      const lean = { ...body, text: "", textTruncated: true, textInMessage: true };
      this.#database
        .prepare("UPDATE completions SET body = ? WHERE sequence = ?")
        .run(JSON.stringify(lean), Number(row.sequence));
    }
    return size + message.bytes;
  }

  /** What a message says, also if it was taken out of its session. */
  #messageText(id: string): { text: string; bytes: number } | undefined {
    return readOr(
      () => {
        const row = this.#database
          .prepare(
            `SELECT octet_length(parts) AS size, parts FROM messages
             WHERE id = ? AND octet_length(parts) <= ?`,
          )
          .get(id, mostMessageBytes);
        if (typeof row?.parts !== "string") return undefined;
        const text = saidIn(row.parts);
        return text === undefined ? undefined : { text, bytes: Number(row.size) };
      },
      () => undefined,
    );
  }
}

function sharedBodyOf(text: string): SharedBody | undefined {
  try {
    const body = JSON.parse(text) as Partial<SharedBody> | null;
    return typeof body?.text === "string" ? { ...body, text: body.text } : undefined;
  } catch {
    // It is damaged, and stays as it is.
    return undefined;
  }
}

/** The text parts of a message, one after another. Undefined if its parts are damaged. */
function saidIn(parts: string): string | undefined {
  try {
    const list: unknown = JSON.parse(parts);
    if (!Array.isArray(list)) return undefined;
    return list
      .map((part: { type?: unknown; text?: unknown } | null) =>
        part?.type === "text" && typeof part.text === "string" ? part.text : "",
      )
      .join("");
  } catch {
    // The one that reads the message itself reports that it is damaged.
    return undefined;
  }
}
