// Parses and checks the text of a configuration file; an error tells where it is wrong. The format
// is JSON with comments and trailing commas. Unknown and repeated fields are errors, because their
// author believes that they have an effect.
import { type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
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
  const checked = ConfigFile().safeParse(readJson(file, text));
  if (checked.success) return checked.data;
  throw configInvalid(file, checked.error.issues.flatMap(describeIssue));
}

function readJson(file: string, text: string): unknown {
  const errors: ParseError[] = [];
  try {
    const tree = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
    const [error] = errors;
    if (error) {
      const problem = wordsOf(printParseErrorCode(error.error));
      throw configInvalid(file, [{ path: "", message: `${at(text, error.offset)}: ${problem}` }]);
    }
    return tree === undefined ? {} : toValue(tree, { file, text });
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
      throw configInvalid(source.file, [{ path: "", message }]);
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

function describeIssue(issue: z.core.$ZodIssue): ConfigIssue[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const guess = nearest(key, fieldsAt(issue.path));
      const hint = guess === undefined ? "" : `; did you mean ${JSON.stringify(guess)}?`;
      return { path: pathOf([...issue.path, key]), message: `unknown field${hint}` };
    });
  }
  const message =
    issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return [{ path: pathOf(issue.path), message }];
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
