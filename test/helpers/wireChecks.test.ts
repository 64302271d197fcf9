// The checks on everything that a server sends are worth as much as what they find.
import { expect, it } from "vitest";
import { FrameReader } from "./frameReader.js";
import { problemOf, problemOfResult } from "./wireChecks.js";

const error = (code: number, data: unknown, message = "no") => ({
  jsonrpc: "2.0",
  id: 1,
  error: { code, message, data },
});
const data = { name: "SessionBusy", retryable: true };

it.each([
  ["a version that is none", { jsonrpc: "1.0", id: 1, result: {} }],
  ["a member too many", { jsonrpc: "2.0", id: 1, result: {}, extra: 1 }],
  ["a result and an error", { ...error(1007, data), result: {} }],
  ["an error without data", error(1007, undefined)],
  ["an error with the code of another", error(1008, data)],
  ["an error that nobody declared", error(1, { name: "Oops", retryable: false })],
  ["a stack in an error", error(1007, data, "no\n    at run (file.ts:1:2)")],
  ["a place in the program", error(1007, { ...data, at: "/opt/x/dist/main.js:3" })],
  ["a notification that nobody declared", { jsonrpc: "2.0", method: "hello", params: {} }],
  ["a wrong member of a notification", { jsonrpc: "2.0", method: "eventsDropped", params: {} }],
  [
    "an undeclared member of a notification",
    { jsonrpc: "2.0", method: "eventsDropped", params: { count: 1, extra: 1 } },
  ],
  ["a text", "hello"],
])("%s is a problem", (_, message) => {
  expect(problemOf(message)).toBeTypeOf("string");
});

it("a good message is none", () => {
  expect(problemOf(error(1007, data))).toBeUndefined();
  expect(problemOf({ jsonrpc: "2.0", id: null, result: {} })).toBeUndefined();
  expect(
    problemOf({ jsonrpc: "2.0", method: "eventsDropped", params: { count: 1 } }),
  ).toBeUndefined();
});

it("a result is held against its method", () => {
  expect(problemOfResult("queuedPrompts", { count: 1 })).toBeUndefined();
  expect(problemOfResult("queuedPrompts", { count: "1" })).toBeTypeOf("string");
  expect(problemOfResult("queuedPrompts", { count: 1, extra: 1 })).toBeTypeOf("string");
});

it.each(["header", "ndjson"] as const)("a byte between two frames is found (%s)", (framing) => {
  const texts: string[] = [];
  const violations: string[] = [];
  const reader = new FrameReader(
    framing,
    (text) => texts.push(text),
    (what) => violations.push(what),
  );
  const frame = framing === "header" ? "Content-Length: 2\r\n\r\n{}" : "{}\n";
  reader.push(Buffer.from(`${frame}stray ${frame}`));
  const [first, ...others] = texts;
  expect(first).toBe("{}");
  // In ndjson the line is no JSON, which the receiver of the texts finds.
  expect(framing === "header" ? violations : others).not.toEqual([]);
});
