// A collector that takes a batch may refuse a part of it, and says so in the body of its answer.
import { cutText } from "../base/text.js";

/** A longer body says no more that matters. */
const mostBytes = 64 * 1024;
const longestReason = 300;

/** What was refused. */
export interface Rejection {
  readonly count: number;
  /** The collector's own words. */
  readonly reason: string;
}

/** What the collector says that it has refused; undefined if it says nothing of that. */
export async function rejectionIn(response: Response): Promise<Rejection | undefined> {
  try {
    const { partialSuccess } = JSON.parse(await beginningOf(response)) as {
      partialSuccess?: Readonly<Record<string, unknown>>;
    };
    if (typeof partialSuccess !== "object" || partialSuccess === null) return undefined;
    const { rejectedSpans, rejectedDataPoints, errorMessage } = partialSuccess;
    const count = Number(rejectedSpans ?? rejectedDataPoints ?? 0);
    const reason = typeof errorMessage === "string" ? cutText(errorMessage, longestReason) : "";
    return count > 0 || reason !== "" ? { count, reason } : undefined;
  } catch {
    // An empty body, another form, or a connection that broke: the batch was taken all the same.
    return undefined;
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    // Leaving the loop cancels the rest.
    if (length > mostBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}
