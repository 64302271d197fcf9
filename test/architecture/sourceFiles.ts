// The source as the layer rule looks at it: each file's imports, and its code without comments.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../../src", import.meta.url));

export interface SourceImport {
  /** A file of ours, as a path from `src`, or the name of a package or of a Node built-in. */
  readonly target: string;
  readonly isOurs: boolean;
  /** Whether the whole statement vanishes when types do. */
  readonly isTypeOnly: boolean;
}

export interface SourceFile {
  /** The path from `src`. */
  readonly path: string;
  readonly lines: number;
  /** The whole text, and the same without its comments. */
  readonly text: string;
  readonly code: string;
  readonly imports: readonly SourceImport[];
}

const statement = /^(import|export)\s(type\s)?[^;"'`]*?\bfrom\s+"([^"]+)"/gm;
const sideEffect = /^import\s+"([^"]+)"/gm;
const dynamic = /\bimport\(\s*"([^"]+)"\s*\)/g;

/** Every TypeScript file below `src`. */
export function readSource(): SourceFile[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => parse(path, readFileSync(join(source, path), "utf8")));
}

/** What one file imports, and its code. */
export function parse(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  const found = [
    ...[...code.matchAll(statement)].map((match) => ({
      specifier: match[3] ?? "",
      isTypeOnly: match[2] !== undefined,
    })),
    ...[...code.matchAll(sideEffect), ...code.matchAll(dynamic)].map((match) => ({
      specifier: match[1] ?? "",
      isTypeOnly: false,
    })),
  ];
  return {
    path,
    text,
    lines: text.trimEnd().split("\n").length,
    code,
    imports: found.map(({ specifier, isTypeOnly }) => ({
      isTypeOnly,
      isOurs: specifier.startsWith("."),
      target: specifier.startsWith(".") ? resolve(path, specifier) : packageOf(specifier),
    })),
  };
}

function resolve(path: string, specifier: string): string {
  const target = join(source, dirname(path), specifier);
  return relative(source, target).replaceAll("\\", "/").replace(/\.js$/, ".ts");
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** A function, method or callback of more than a line. */
export interface SourceFunction {
  /** Its first line, counted from 1. */
  readonly line: number;
  readonly lines: number;
}

const opensBlock = /(\)|=>|\): .*) \{$/;
const opensNoFunction =
  /^\s*(\} ?)?(if|else|for|while|do|switch|try|catch|finally|class|export class|interface|export interface|case|default|type|export type)\b/;

/**
 * The functions of a file, by the way that the formatter lays them out: what opens a block ends at
 * the next line that is indented as its own first one and begins with a closing brace.
 */
export function functionsOf(text: string): SourceFunction[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    if (!opensBlock.test(line) || opensNoFunction.test(line)) return [];
    const indent = indentOf(line);
    const end = lines.findIndex((other, at) => at > index && other.startsWith(`${indent}}`));
    // A signature of several lines begins where the line above it is indented no deeper.
    let first = index;
    if (line.startsWith(`${indent})`)) {
      do first--;
      while (first > 0 && indentOf(lines[first] ?? "").length > indent.length);
    }
    return end < 0 ? [] : [{ line: first + 1, lines: end - first + 1 }];
  });
}

function indentOf(line: string): string {
  return /^\s*/.exec(line)?.[0] ?? "";
}

/** The sets of files that import each other round in a circle, types too. */
export function circlesOf(files: readonly Pick<SourceFile, "path" | "imports">[]): string[][] {
  const targets = new Map(
    files.map(({ path, imports }) => [
      path,
      new Set(imports.filter(({ isOurs }) => isOurs).map(({ target }) => target)),
    ]),
  );
  const reach = new Map([...targets.keys()].map((path) => [path, reachedFrom(path, targets)]));
  const inCircle = [...targets.keys()].filter((path) => reach.get(path)?.has(path));
  const circles = inCircle.map((path) =>
    inCircle.filter((other) => reach.get(path)?.has(other) && reach.get(other)?.has(path)),
  );
  return circles.filter((circle, index) => circle[0] === inCircle[index]);
}

function reachedFrom(
  start: string,
  targets: ReadonlyMap<string, ReadonlySet<string>>,
): Set<string> {
  const reached = new Set<string>();
  const waiting = [...(targets.get(start) ?? [])];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    waiting.push(...(targets.get(path) ?? []));
  }
  return reached;
}
