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
    lines: text.trimEnd().split("\n").length,
    code,
    imports: found.map(({ specifier, isTypeOnly }) => ({
      ...{ isTypeOnly, isOurs: specifier.startsWith(".") },
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
