// The types of files that `grep` knows by name. The names and endings are those of ripgrep. They are
// matched here, so that a search gives the same result with ripgrep and without it.
import { ToolFailure } from "../failure.js";

const endings: Readonly<Record<string, readonly string[]>> = {
  c: ["c", "h"],
  cpp: ["cpp", "cc", "cxx", "hpp", "hh", "hxx", "h", "inl"],
  cs: ["cs"],
  css: ["css", "scss", "sass", "less"],
  go: ["go"],
  html: ["html", "htm"],
  java: ["java"],
  js: ["js", "jsx", "mjs", "cjs", "vue"],
  json: ["json", "jsonc"],
  kotlin: ["kt", "kts"],
  lua: ["lua"],
  md: ["md", "mdx", "markdown"],
  php: ["php"],
  py: ["py", "pyi"],
  ruby: ["rb", "rake", "gemspec"],
  rust: ["rs"],
  sh: ["sh", "bash", "zsh"],
  sql: ["sql"],
  swift: ["swift"],
  toml: ["toml"],
  ts: ["ts", "tsx", "mts", "cts"],
  txt: ["txt"],
  xml: ["xml", "xsd", "xsl", "svg"],
  yaml: ["yaml", "yml"],
};

/** The names of the types. */
export const fileTypes: readonly string[] = Object.keys(endings);

/**
 * Returns a function that tells by its path whether a file is of a type.
 * @throws ToolFailure if there is no such type.
 */
export function isOfType(type: string): (path: string) => boolean {
  if (!Object.hasOwn(endings, type)) {
    throw new ToolFailure(
      `\`type\` ${type} is not known: use one of ${fileTypes.join(", ")}, or \`include\`.`,
    );
  }
  const wanted = new Set(endings[type]);
  return (path) => wanted.has(path.slice(path.lastIndexOf(".") + 1).toLowerCase());
}
