import { defined } from "../base/defined.js";
import type { Entry, MessageEntry } from "./entries.js";

/** What is kept of an entry that would take the place of all others: what it was, and how large. */
export function shortEntry(entry: Entry, most: number): string {
  if (entry.kind !== "message") return JSON.stringify(gapOf(entry));
  const line = JSON.stringify({ ...entry, message: shortMessage(entry.message) });
  return line.length <= most ? line : JSON.stringify(gapOf(entry));
}

function shortMessage(message: unknown): MessageEntry["message"] {
  if (typeof message !== "object" || message === null) return tooLong(message);
  return Object.fromEntries(
    Object.entries(message)
      .filter(([name]) => parts.has(name))
      .map(([name, value]) => [name, names.has(name) ? value : tooLong(value)]),
  );
}

const names = new Set(["jsonrpc", "id", "method"]);
const parts = new Set([...names, "params", "result", "error"]);

function tooLong(value: unknown): string {
  return `[too long to be kept here: ${JSON.stringify(value).length} characters]`;
}

function gapOf({ at, pipe, ...rest }: Entry): Entry {
  const from = "from" in rest ? rest.from : "server";
  const bytes = "bytes" in rest ? rest.bytes : JSON.stringify(rest).length;
  return { kind: "gap", at, from, bytes, ...defined({ pipe }) };
}
