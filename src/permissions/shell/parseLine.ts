// Finds every command in a command line: after `;`, `&&`, `||`, `|`, `&` and newlines, in `$()`,
// backticks and subshells, in functions and control structures, and after programs that run others
// (protocol.md section 7).
import { type Command, forEachChild, parse, type Script, type SyntaxNode } from "unbash";
import { builtinEffect } from "./builtins.js";
import { undecidable } from "./decidable.js";
import { hasEffect } from "./effects.js";
import { changesFolder, type Folders, type LineStart, leadingMove } from "./folders.js";
import type { ShellCommand, ShellLanguage, ShellLine, ShellWord } from "./shellLine.js";
import { type InnerCommand, unwrap } from "./unwrap.js";
import { expandBraces, readArgument, readWord } from "./words.js";

const maxLength = 16_384;
/**
 * How deep substitutions and brackets may be nested: the time for one inside another grows with the
 * length of both.
 */
const maxSubstitutions = 100;
const maxBrackets = 1_000;
const maxDepth = 8;
/** The limit for a line together with all scripts in it; each script may contain the next. */
const maxTotalLength = 65_536;
const maxWords = 1_000;
const maxCommands = 2_000;
/** Anything but tab and newline among the control characters; a shell reads them in its own way. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about.
const controlCharacter = /[\0-\x08\x0b-\x1f\x7f]/;

/** How a line is to be read. */
export interface LineReading extends LineStart {
  readonly language: ShellLanguage;
}

/** Finds the commands of a line. Never throws: the result says what could not be read. */
export function parseLine(source: string, { language, ...start }: LineReading): ShellLine {
  const reader = new LineReader();
  const folderAt = () => [start.folder];
  const around = { isSubstituted: false, isFed: false, folderAt };
  const context = { depth: 0, isCertain: true, language, ...around };
  reader.readScript(source, context, start);
  return {
    source,
    commands: reader.placedCommands(),
    unparsable: reader.unparsable,
    computed: reader.computed,
    hasEffects: reader.hasEffects,
    isPlain: reader.isPlain,
  };
}

/** What is known of the script that a command stands in. */
interface ScriptContext {
  readonly depth: number;
  /**
   * False for text that is only suspected to run. Such text does not make the line itself
   * undecided.
   */
  readonly isCertain: boolean;
  readonly language: ShellLanguage;
  readonly isSubstituted: boolean;
  readonly isFed: boolean;
  /** The place of the command that is written in the line and runs this script, if one does. */
  readonly written?: number;
  readonly folderAt: (position: number) => Folders;
}

/** The syntax of a line that is only a list of commands. */
const plainNodes: ReadonlySet<SyntaxNode["type"]> = new Set([
  ...(["Script", "Statement", "AndOr", "Pipeline", "Command", "Redirect"] as const),
  ...(["FileDescriptor", "Word", "Literal", "SingleQuoted", "DoubleQuoted"] as const),
]);

type Written = Pick<ShellCommand, "assignments" | "inputs" | "isRedirected" | "source" | "folders">;

class LineReader {
  readonly #commands: ShellCommand[] = [];
  /** How many `cd` commands there are whose effect is not followed. */
  #moves = 0;
  #length = 0;
  unparsable: string | undefined;
  computed: string | undefined;
  hasEffects = false;
  isPlain = true;

  /** The commands, each with the folders that it may run in. */
  placedCommands(): readonly ShellCommand[] {
    if (this.#moves === 0) return this.#commands;
    return this.#commands.map((command) => ({ ...command, folders: undefined }));
  }

  /** Reads a text as a script. `start` is given for a whole line, whose first `cd` is followed. */
  readScript(source: string, context: ScriptContext, start?: LineStart): void {
    this.#length += source.length;
    const isTooMuch = this.#length > maxTotalLength;
    const problem = problemOf(source, context) ?? (isTooMuch ? "it is too long" : undefined);
    if (problem !== undefined) {
      if (context.isCertain) this.unparsable ??= problem;
      return;
    }
    try {
      const script = parse(source);
      const folderAt = start === undefined ? undefined : this.#followMove(script, start);
      this.#visit(script, source, folderAt === undefined ? context : { ...context, folderAt });
    } catch (error) {
      // A line that makes the stack overflow must not be trusted.
      if (context.isCertain)
        this.unparsable ??= error instanceof Error ? error.message : "unreadable";
    }
  }

  #followMove(script: Script, start: LineStart): ScriptContext["folderAt"] | undefined {
    const move = leadingMove(script, start);
    if (move === undefined) return undefined;
    // Counted when its command is added.
    this.#moves--;
    return (position) => {
      if (position < move.end) return [start.folder];
      return position < move.inside.end ? [move.target] : [start.folder, move.target];
    };
  }

  #visit(node: SyntaxNode, outerSource: string, outer: ScriptContext): void {
    // Positions inside backticks count in the text that they stand for.
    const isOwnText = node.type === "Script" && node.source !== undefined;
    const source = isOwnText ? (node.source ?? outerSource) : outerSource;
    const folders = isOwnText ? outer.folderAt(node.pos) : undefined;
    const context = isOwnText ? { ...outer, folderAt: () => folders } : outer;
    if (context.isCertain) this.#judge(node, source, context);
    if (context.depth === 0 && !plainNodes.has(node.type)) this.isPlain = false;
    if (node.type === "Command") this.#addCommand(node, source, context);
    const isSubstitution = node.type === "CommandExpansion" || node.type === "ProcessSubstitution";
    const inner = isSubstitution ? { ...context, isSubstituted: true } : context;
    const first = node.type === "Pipeline" ? node.commands[0] : undefined;
    forEachChild(node, (child) => {
      const isFed = first !== undefined && child !== first;
      this.#visit(child, source, isFed ? { ...inner, isFed } : inner);
    });
  }

  #judge(node: SyntaxNode, source: string, { language, isSubstituted }: ScriptContext): void {
    if (node.type === "Script" && node.errors !== undefined && node.errors.length > 0) {
      this.unparsable ??= node.errors[0]?.message ?? "it has a syntax error";
    }
    if (hasEffect(node)) this.hasEffects = true;
    this.computed ??= undecidable(node, { language, source, isSubstituted });
  }

  #addCommand(node: Command, source: string, context: ScriptContext): void {
    const words: ShellWord[] = node.name === undefined ? [] : [readWord(node.name)];
    words.push(...node.args.map(readArgument));
    const assignments: string[] = [];
    for (const part of node.prefix) if (part.type === "Assignment") assignments.push(part.text);
    const inputs: string[] = [];
    const hereTexts: string[] = [];
    for (const redirect of node.redirects) {
      if (redirect.type === "HereDoc") hereTexts.push(redirect.body.text);
      else if (redirect.target === undefined) continue;
      else if (redirect.type === "HereString") hereTexts.push(readWord(redirect.target).text);
      else if (redirect.operator === "<") inputs.push(`< ${redirect.target.text}`);
    }
    const text = source.slice(node.pos, node.end);
    const written = {
      assignments,
      inputs,
      isRedirected: node.redirects.length > 0,
      source: text,
      folders: context.folderAt(node.pos),
    };
    const own = { ...context, written: context.written ?? this.#commands.length };
    this.#add(words, written, hereTexts, own);
    if ([node.name, ...node.args].some(hasBraces)) {
      this.#add(words.flatMap(expandBraces), written, hereTexts, { ...own, isCertain: false });
    }
  }

  #add(
    words: readonly ShellWord[],
    written: Written,
    hereTexts: readonly string[],
    context: ScriptContext,
  ): void {
    const { assignments, inputs, folders } = written;
    if (words.length + assignments.length + inputs.length === 0) return;
    const { isCertain, depth, language } = context;
    if (this.#commands.length >= maxCommands || depth > maxDepth) {
      if (isCertain) this.unparsable ??= "it runs too many commands";
      return;
    }
    const isLong = words.length > maxWords;
    if (isLong && isCertain) this.computed ??= "a command has too many words";
    const inner = unwrap(isLong ? words.slice(0, 1) : words, hereTexts);
    const effect = builtinEffect(words, language);
    if (isCertain) this.computed ??= inner.computed ?? effect.computed;
    if (isCertain && changesFolder(words[0]?.text ?? "")) this.#moves++;
    const isTransparent = inner.isTransparent && assignments.length + inputs.length === 0;
    const sets = [...assignments.map(variableOf), ...effect.sets];
    const { written: place = this.#commands.length, isFed } = context;
    const told = { sets, isCertain, isTransparent, isFed, written: place };
    this.#commands.push({ words, ...written, ...told });
    // Everything inside suspected text is suspected already.
    for (const command of isCertain ? inner.commands : []) {
      this.#addInner(command, folders, hereTexts, context);
    }
    const within = { ...context, depth: depth + 1, folderAt: () => folders };
    for (const { text, isCertain: isSure, language: own = language } of inner.scripts) {
      this.readScript(text, { ...within, language: own, isCertain: isCertain && isSure });
    }
  }

  #addInner(
    { words, assignments = [], moves = false, isCertain }: InnerCommand,
    outerFolders: Folders,
    hereTexts: readonly string[],
    context: ScriptContext,
  ): void {
    const source = words.map(({ text }) => text).join(" ");
    const folders = moves ? undefined : outerFolders;
    const plain = { assignments, inputs: [], isRedirected: false, source, folders };
    this.#add(words, plain, hereTexts, { ...context, depth: context.depth + 1, isCertain });
  }
}

function problemOf(source: string, { depth, language }: ScriptContext): string | undefined {
  if (language === "unknown") return "the shell is none that is understood";
  if (source.length > maxLength) return "it is too long";
  if (depth > maxDepth) return "it is nested too deeply";
  if (controlCharacter.test(source)) return "it contains control characters";
  if (source.endsWith("\\")) return "it ends in a backslash";
  // A line may go on in the middle of an operator, and bash takes the `1` of `1>(…)` for a word.
  if (/(?:^|[^ \t])\\\n/.test(source)) return "a line goes on in the middle of a word";
  if (/(?:[^\s;|&(]|\\\s)[<>]\(/.test(source)) return "a word holds a substitution";
  let substitutions = 0;
  let brackets = 0;
  let last = "";
  for (const character of source) {
    const isBracket = character === "(" || character === "{" || character === "[";
    if (isBracket) brackets++;
    if (character === "`" || (isBracket && /[$<>("]/.test(last))) substitutions++;
    last = character;
  }
  const isDeep = substitutions > maxSubstitutions || brackets > maxBrackets;
  return isDeep ? "it has too many substitutions" : undefined;
}

function variableOf(assignment: string): string {
  return /^\w*/.exec(assignment)?.[0] ?? "";
}

function hasBraces(part: { type: string; parts?: unknown } | undefined): boolean {
  return Array.isArray(part?.parts) && part.parts.some(({ type }) => type === "BraceExpansion");
}
