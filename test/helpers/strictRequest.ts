// What the strictest providers refuse in the messages of a request: roles that do not alternate, a call
// whose result is not right behind it, a result without its call, a message that says nothing.
import { expect } from "vitest";
import type { WireFormat } from "./wireFormats.js";

/** Messages of one kind: their role, and the ids of the calls and results in them, in their order. */
interface Spoken {
  readonly role: string;
  readonly calls: readonly string[];
  readonly results: readonly string[];
  readonly isEmpty: boolean;
}

type Json = Record<string, unknown>;
const list = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const inner = (value: Json, name: string): Json => (value[name] ?? {}) as Json;

function anthropic(body: Json): Spoken[] {
  return list(body.messages).map(({ role, content }) => {
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : list(content);
    const of = (type: string) => parts.filter((part) => (part as Json).type === type) as Json[];
    const results = of("tool_result").map((part) => String(part.tool_use_id));
    // The results come first in their message.
    const first = parts.slice(0, results.length) as Json[];
    expect(first.every(({ type }) => type === "tool_result")).toBe(true);
    const calls = of("tool_use").map(({ id }) => String(id));
    return { role: String(role), calls, results, isEmpty: parts.length === 0 };
  });
}

function bedrock(body: Json): Spoken[] {
  return list(body.messages).map(({ role, content }) => {
    const parts = list(content);
    const idsOf = (name: string) =>
      parts.filter((part) => name in part).map((part) => String(inner(part, name).toolUseId));
    return {
      role: String(role),
      calls: idsOf("toolUse"),
      results: idsOf("toolResult"),
      isEmpty: parts.length === 0,
    };
  });
}

function google(body: Json): Spoken[] {
  return list(body.contents).map(({ role, parts: given }) => {
    const parts = list(given);
    const namesOf = (name: string) =>
      parts.filter((part) => name in part).map((part) => String(inner(part, name).name));
    const results = namesOf("functionResponse");
    return {
      // A user may speak behind the results, whose turn counts as one of the functions.
      role: role === "model" ? "assistant" : results.length > 0 ? "tool" : String(role),
      calls: namesOf("functionCall"),
      results,
      isEmpty: parts.length === 0,
    };
  });
}

/** Behind chat completions each result is a message of its own: those of one reply count as one. */
function compatible(body: Json): Spoken[] {
  const all: Spoken[] = [];
  for (const { role, content, tool_calls: calls, tool_call_id: result } of list(body.messages)) {
    if (role === "system") continue;
    const last = all.at(-1);
    if (role === "tool" && last?.role === "tool") {
      all[all.length - 1] = { ...last, results: [...last.results, String(result)] };
      continue;
    }
    const ids = list(calls).map(({ id }) => String(id));
    const isEmpty = ids.length === 0 && (content === "" || content === null);
    const results = role === "tool" ? [String(result)] : [];
    all.push({ role: String(role), calls: ids, results, isEmpty });
  }
  return all;
}

/** Each item stands alone: neighbours of one role count as one message. */
function openai(body: Json): Spoken[] {
  const all: { role: string; calls: string[]; results: string[]; isEmpty: boolean }[] = [];
  for (const { type, role, call_id: id, content } of list(body.input)) {
    if (role === "system" || role === "developer") continue;
    const isOutput = type === "function_call_output";
    const isCall = type === "function_call";
    const speaker = isOutput ? "tool" : isCall ? "assistant" : String(role);
    let last = all.at(-1);
    if (last?.role !== speaker) {
      last = { role: speaker, calls: [], results: [], isEmpty: false };
      all.push(last);
    }
    if (isCall) last.calls.push(String(id));
    if (isOutput) last.results.push(String(id));
    if (!isCall && !isOutput && list(content).length === 0) last.isEmpty = true;
  }
  return all;
}

const readers: Partial<Record<WireFormat["type"], (body: Json) => Spoken[]>> = {
  anthropic,
  bedrock,
  google,
  openai,
  "openai-compatible": compatible,
};

/** Fails where a strict provider of this type would refuse the request. */
export function expectStrict(type: WireFormat["type"], body: Json): void {
  const read = readers[type];
  if (read === undefined) throw new Error(`nobody knows how strict ${type} is`);
  const all = read(body);
  const shown = `${type}: ${JSON.stringify(all)}`;
  expect(all[0]?.role, shown).toBe("user");
  // A reply that the model is to go on with is refused by the newest models.
  expect(all.at(-1)?.role, shown).not.toBe("assistant");
  for (const [index, { role, calls, results, isEmpty }] of all.entries()) {
    expect(isEmpty, shown).toBe(false);
    const before = all[index - 1];
    expect(results, shown).toEqual(before?.role === "assistant" ? before.calls : []);
    if (before !== undefined) expect(role, shown).not.toBe(before.role);
    // Where results are messages of a role of their own, a user may speak behind them.
    if (role === "tool") expect(before?.role, shown).toBe("assistant");
    expect(calls.length === 0 || role === "assistant", shown).toBe(true);
    expect(new Set(type === "google" ? [] : calls).size, shown).toBe(
      type === "google" ? 0 : calls.length,
    );
  }
}
