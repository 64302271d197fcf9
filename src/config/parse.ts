// Parses and checks the text of a configuration file; an error tells where it is wrong. The format
// is JSON with comments and trailing commas. Unknown and repeated fields are errors, because their
// author believes that they have an effect.
import {
  findNodeAtLocation,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type * as z from "zod";
import { type ConfigIssue, configInvalid } from "./configInvalid.js";
import { fieldsAt } from "./jsonSchema.js";
import { nearest } from "./nearest.js";
import { ConfigFile } from "./schema.js";

/**
 * Parses and checks the text of a file; `file` is its name for errors. An empty text is an empty
 * configuration. Throws `ConfigInvalid`.
 */
export function parseConfigFile(file: string, text: string): ConfigFile {
  const { value, tree } = readJson(file, text);
  // A file is checked once or twice in a process: code that is made for that takes longer than it saves.
  const checked = ConfigFile().safeParse(value, { jitless: true });
  if (checked.success) return checked.data;
  const lineOf = (path: readonly PropertyKey[]) => lineAt(text, offsetOf(tree, path));
  throw configInvalid(
    file,
    checked.error.issues.flatMap((issue) => describeIssue(issue, lineOf)),
  );
}

function readJson(file: string, text: string): { value: unknown; tree: Node | undefined } {
  const errors: ParseError[] = [];
  try {
    const tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
    const [error] = errors;
    if (error) {
      const problem = wordsOf(printParseErrorCode(error.error));
      const line = lineAt(text, error.offset);
      throw configInvalid(file, [
        { path: "", message: `${at(text, error.offset)}: ${problem}`, line },
      ]);
    }
    return { value: tree === undefined ? {} : toValue(tree, { file, text }), tree };
  } catch (error) {
    // The parser is recursive, so a text of many brackets fails here.
    if (!(error instanceof RangeError)) throw error;
    throw configInvalid(file, [{ path: "", message: "is nested too deeply" }]);
  }
}

function toValue(node: Node, source: { file: string; text: string }): unknown {
  if (node.type === "array") return (node.children ?? []).map((child) => toValue(child, source));
  if (node.type !== "object") return node.value;
  const entries = new Map<string, unknown>();
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key === undefined || value === undefined) continue;
    const name = String(key.value);
    if (entries.has(name) || name === "__proto__") {
      const message = `${at(source.text, key.offset)}: the field ${nameOf(name)} ${
        entries.has(name) ? "is there twice" : "cannot have this name"
      }`;
      const line = lineAt(source.text, key.offset);
      throw configInvalid(source.file, [{ path: "", message, line }]);
    }
    entries.set(name, toValue(value, source));
  }
  return Object.fromEntries(entries);
}

/** `PropertyNameExpected` as `property name expected`. */
function wordsOf(code: string): string {
  return code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function at(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split(/\r\n|\r|\n/).length;
}

/** Where a field stands, or what should hold it where it is missing: its name, else its value. */
function offsetOf(tree: Node | undefined, path: readonly PropertyKey[]): number {
  for (let length = path.length; tree !== undefined && length > 0; length--) {
    const names = path.slice(0, length).map((key) => (typeof key === "symbol" ? "" : key));
    const found = findNodeAtLocation(tree, names);
    if (found !== undefined)
      return found.parent?.type === "property" ? found.parent.offset : found.offset;
  }
  return tree?.offset ?? 0;
}

function describeIssue(
  issue: z.core.$ZodIssue,
  lineOf: (path: readonly PropertyKey[]) => number,
): ConfigIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const guess = nearest(key, fieldsAt(issue.path));
      const hint = guess === undefined ? "" : `; did you mean ${JSON.stringify(guess)}?`;
      const path = [...issue.path, key];
      return { path: pathOf(path), message: `unknown field${hint}`, line: lineOf(path) };
    });
  }
  const message =
    issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path: pathOf(issue.path), message, line: lineOf(issue.path) }];
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((before, key) => {
    if (typeof key === "number") return `${before}[${key}]`;
    return before === "" ? nameOf(key) : `${before}.${nameOf(key)}`;
  }, "");
}

/** A field's name, short and without control characters for a terminal. */
function nameOf(key: PropertyKey): string {
  const name = String(key);
  return /^[\w$.-]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64));
}
