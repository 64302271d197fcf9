/**
 * The JSON that the LSP Inspector reads, and that `vscode-languageclient` writes with
 * `"trace.server": {"format": "json"}`: one message a line, seen from the client.
 */
import type { Entry, Side } from "./entries.js";
import { cutNesting } from "./nesting.js";

/** Old inspectors cut so many characters off the beginning of each line, for the output channel's time. */
const outputChannelTime = /^\[[^\]]{1,40}\] /;

/** The line of a message; undefined for an entry that is none, which the format cannot tell. */
export function toLspLine(entry: Entry): string | undefined {
  if (entry.kind !== "message") return undefined;
  const { message, from, at } = entry;
  const type = `${from === "client" ? "send" : "receive"}-${kindOf(message)}`;
  return JSON.stringify({ isLSPMessage: true, type, message, timestamp: at });
}

/** The entry of a line; undefined where the line is none of this format. */
export function fromLspLine(line: string): Entry | undefined {
  const text = line.replace(outputChannelTime, "");
  let value: unknown;
  try {
    value = cutNesting(JSON.parse(text));
  } catch {
    return undefined;
  }
  return fromLspItem(value);
}

/** The entry of one item; undefined where it is none of this format. */
export function fromLspItem(value: unknown): Entry | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, message, timestamp } = value as Record<string, unknown>;
  const [, verb] =
    /^(send|receive|recv)-(?:request|response|notification)$/.exec(String(type)) ?? [];
  if (verb === undefined || typeof message !== "object" || message === null) return undefined;
  const from: Side = verb === "send" ? "client" : "server";
  const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
  return { kind: "message", at: timeOf(timestamp), from, bytes, message };
}

function timeOf(timestamp: unknown): number {
  if (typeof timestamp === "number" && Number.isFinite(timestamp)) return timestamp;
  const parsed = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(parsed) ? 0 : parsed;
}

function kindOf(message: unknown): "request" | "response" | "notification" {
  if (typeof message !== "object" || message === null || !("method" in message)) return "response";
  return "id" in message ? "request" : "notification";
}
