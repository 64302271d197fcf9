/** What a message of JSON-RPC begins with, when the rest of it cannot be taken. */
export interface MessageHead {
  readonly id: string | number;
  /** Absent in an answer. */
  readonly method?: string;
}

/** How much of a message is looked at, in bytes. */
const headBytes = 1_024;

/**
 * Reads the head of a message that is too long, or nested too deep: whoever waits for an answer to it, or for
 * itself as an answer, must hear of it. Undefined for a notification, for what is no message, and where
 * something long stands before the id: most programs write it first.
 */
export function messageHead(bytes: Buffer): MessageHead | undefined {
  const text = bytes.subarray(0, headBytes).toString("utf8");
  const end = text.search(/,\s*"(?:params|result|error)"\s*:/);
  if (end < 0) return undefined;
  try {
    const { id, method } = JSON.parse(`${text.slice(0, end)}}`) as Record<string, unknown>;
    if (typeof id !== "string" && typeof id !== "number") return undefined;
    return typeof method === "string" ? { id, method } : { id };
  } catch {
    return undefined;
  }
}
