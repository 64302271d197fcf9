// Takes a command line of bash apart into every command in it: behind `;`, `&&`, `||`, `|`, `&` and
// newlines, in `$()`, backticks and subshells, in functions and control structures, and behind
// programs that run others (contract section 7).
import { type Command, forEachChild, parse, type Redirection, type SyntaxNode } from "unbash";
import { undecidable } from "./pitfalls.js";
import type { ShellCommand, ShellLine, ShellWord } from "./shellLine.js";
import { unwrap } from "./unwrap.js";
import { expandBraces, readWord } from "./words.js";

const maxLength = 32_768;
const maxDepth = 8;
const maxCommands = 2_000;
/** Anything but tab and newline among the control characters; a shell reads them in its own way. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about.
const controlCharacter = /[\0-\x08\x0b-\x1f\x7f]/;

/** Takes a line apart. Never throws: what cannot be read is said in the result. */
export function parseLine(source: string): ShellLine {
  const reader = new LineReader();
  reader.readScript(source, 0, true);
  return {
    source,
    commands: reader.commands,
    unparsable: reader.unparsable,
    computed: reader.computed,
    redirects: reader.redirects,
  };
}

class LineReader {
  readonly commands: ShellCommand[] = [];
  unparsable: string | undefined;
  computed: string | undefined;
  redirects = false;

  /** Reads a text as a script; one that is only suspected to run says nothing about the line. */
  readScript(source: string, depth: number, isCertain: boolean): void {
    const problem = problemOf(source, depth);
    if (problem !== undefined) {
      if (isCertain) this.unparsable ??= problem;
      return;
    }
    try {
      this.#visit(parse(source), source, depth, isCertain);
    } catch (error) {
      // A stack that overflows is no reason to trust the line.
      if (isCertain) this.unparsable ??= error instanceof Error ? error.message : "unreadable";
    }
  }

  #visit(node: SyntaxNode, outerSource: string, depth: number, isCertain: boolean): void {
    // Positions inside backticks count in the text that they stand for.
    const source = node.type === "Script" ? (node.source ?? outerSource) : outerSource;
    if (isCertain) this.#judge(node);
    if (node.type === "Command") this.#addCommand(node, source, depth, isCertain);
    forEachChild(node, (child) => this.#visit(child, source, depth, isCertain));
  }

  #judge(node: SyntaxNode): void {
    if (node.type === "Script" && node.errors !== undefined && node.errors.length > 0) {
      this.unparsable ??= node.errors[0]?.message ?? "it has a syntax error";
    }
    if (node.type === "Redirect" && writesFile(node)) this.redirects = true;
    this.computed ??= undecidable(node);
  }

  #addCommand(node: Command, source: string, depth: number, isCertain: boolean): void {
    const words: ShellWord[] = node.name === undefined ? [] : [readWord(node.name)];
    const assignments: string[] = [];
    for (const part of node.prefix) if (part.type === "Assignment") assignments.push(part.text);
    for (const arg of node.args) {
      words.push(arg.type === "Word" ? readWord(arg) : { text: arg.text, isStatic: false });
    }
    const inputs: string[] = [];
    const hereTexts: string[] = [];
    for (const redirect of node.redirects) {
      if (redirect.type === "HereDoc") hereTexts.push(redirect.body.text);
      else if (redirect.target === undefined) continue;
      else if (redirect.type === "HereString") hereTexts.push(readWord(redirect.target).text);
      else if (redirect.operator === "<") inputs.push(`< ${redirect.target.text}`);
    }
    const written = { assignments, inputs, source: source.slice(node.pos, node.end) };
    this.#add(words, written, hereTexts, depth, isCertain);
    if ([node.name, ...node.args].some(hasBraces)) {
      const expanded = words.flatMap(expandBraces);
      this.#add(expanded, written, hereTexts, depth, false);
    }
  }

  #add(
    words: readonly ShellWord[],
    written: Pick<ShellCommand, "assignments" | "inputs" | "source">,
    hereTexts: readonly string[],
    depth: number,
    isCertain: boolean,
  ): void {
    if (words.length === 0 && written.assignments.length === 0) return;
    if (this.commands.length >= maxCommands || depth > maxDepth) {
      if (isCertain) this.unparsable ??= "it runs too many commands";
      return;
    }
    const inner = unwrap(words, hereTexts);
    if (isCertain) this.computed ??= inner.computed;
    const hasOwnMeaning = written.assignments.length > 0 || written.inputs.length > 0;
    const isTransparent = inner.isTransparent && !hasOwnMeaning;
    this.commands.push({ words, ...written, isCertain, isTransparent });
    // Whatever is suspected inside a suspicion was suspected already.
    for (const command of isCertain ? inner.commands : []) {
      const source = command.words.map(({ text }) => text).join(" ");
      const plain = { assignments: [], inputs: [], source };
      this.#add(command.words, plain, hereTexts, depth + 1, command.isCertain);
    }
    for (const { text, isCertain: isSure } of inner.scripts) {
      this.readScript(text, depth + 1, isCertain && isSure);
    }
  }
}

function problemOf(source: string, depth: number): string | undefined {
  if (source.length > maxLength) return "it is too long";
  if (depth > maxDepth) return "it is nested too deeply";
  return controlCharacter.test(source) ? "it contains control characters" : undefined;
}

function hasBraces(part: { type: string; parts?: unknown } | undefined): boolean {
  return Array.isArray(part?.parts) && part.parts.some(({ type }) => type === "BraceExpansion");
}

const harmlessTargets: ReadonlySet<string> = new Set(["/dev/null", "/dev/stdout", "/dev/stderr"]);

/** Whether a redirection writes a file, or opens a connection (`/dev/tcp/…`). */
function writesFile(redirect: Extract<Redirection, { type: "Redirect" }>): boolean {
  if (redirect.target === undefined) return true;
  const { text, isStatic } = readWord(redirect.target);
  const isDuplicate = /^(?:\d+-?|-)$/.test(text) && isStatic;
  if (redirect.operator === ">&" || redirect.operator === "<&") return !isDuplicate;
  if (redirect.operator === "<") return /^\/dev\/(?:tcp|udp)\//.test(text);
  return !(isStatic && harmlessTargets.has(text));
}
