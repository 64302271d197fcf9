import type { Entry, Side } from "./entries.js";

/**
 * An entry of our own, from a file or a server; undefined where it is none. Anybody may have written it,
 * so each member is looked at.
 */
export function entryOf(value: unknown): Entry | undefined {
  if (!isObject(value) || typeof value.at !== "number") return undefined;
  const { kind, at, from, bytes, message, invalid, text, command, pid, code, signal } = value;
  const base = { at, ...member("pipe", value.pipe, isText) };
  const sent = { ...base, from: from as Side, bytes: Number(bytes) };
  const isSent = (from === "client" || from === "server") && isNumber(bytes);
  const wrong = member("invalid", invalid, isText);
  if (kind === "message" && isSent) return { ...sent, kind, message, ...wrong };
  if (kind === "broken" && isSent) {
    return { ...sent, kind, invalid: String(invalid), ...member("text", text, isText) };
  }
  if (kind === "gap" && isSent) return { ...sent, kind };
  if (kind === "missed" && isNumber(value.count)) return { ...base, kind, count: value.count };
  if (kind === "stderr" && isText(text)) return { ...base, kind, text };
  if (kind === "start" && Array.isArray(command)) {
    return { ...base, kind, command: command.map(String), ...member("pid", pid, isNumber) };
  }
  if (kind !== "end") return undefined;
  return { ...base, kind, ...member("code", code, isNumber), ...member("signal", signal, isText) };
}

function member<K extends string, T>(
  name: K,
  value: unknown,
  isRight: (value: unknown) => value is T,
): { [N in K]?: T } {
  const found: { [N in K]?: T } = {};
  if (isRight(value)) found[name] = value;
  return found;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
