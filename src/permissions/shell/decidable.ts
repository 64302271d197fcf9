// Which syntax is plain enough to know what it runs. This is a list of what can be decided. A shell
// runs text in more places than anybody can count (a subscript may hold `$(…)`, and arithmetic
// evaluates what a variable holds), so everything that is not listed here is undecided.
import type { SyntaxNode } from "unbash";
import type { ShellLanguage } from "./shellLine.js";
import { readWord } from "./words.js";

/** The surroundings of a piece of syntax. */
export interface Surroundings {
  readonly language: ShellLanguage;
  /** The text that positions count in. */
  readonly source: string;
  /** Whether it is inside `$(…)` or a similar substitution. */
  readonly isSubstituted: boolean;
}

type Node<T extends SyntaxNode["type"]> = Extract<SyntaxNode, { type: T }>;

/** Why it cannot be known what a piece of syntax runs; undefined if it can. */
export function undecidable(node: SyntaxNode, around: Surroundings): string | undefined {
  const { language } = around;
  switch (node.type) {
    case "Script":
    case "Statement":
    case "CompoundList":
    case "Elif":
    case "AndOr":
    case "If":
    case "While":
    case "Subshell":
    case "BraceGroup":
    case "Negation":
    case "For":
    case "Redirected":
    case "Command":
    case "SimpleExpansion":
    case "SingleQuoted":
    case "DoubleQuoted":
    case "Glob":
    case "FileDescriptor":
    case "HereDocDelimiter":
    case "HereDocBody":
    case "Default":
    case "Remove":
    case "Replace":
    case "CaseModification":
    case "Slice":
      return undefined;
    case "TestCommand":
    case "TestLogical":
    case "TestNot":
    case "TestGroup":
    case "BraceExpansion":
    case "Time":
    case "HereString":
      return inBashAlone(language);
    default:
      return undecidableWord(node, around) ?? undecidableCommand(node, around);
  }
}

function inBashAlone(language: ShellLanguage): string | undefined {
  return language === "bash" ? undefined : "it means another thing in another shell";
}

function undecidableWord(node: SyntaxNode, around: Surroundings): string | undefined {
  switch (node.type) {
    case "Word":
      // A word of one literal piece has no parts.
      return node.parts === undefined ? strangeBlank(node.text) : hidesSubstitution(node);
    case "Literal":
      return strangeBlank(node.text);
    case "AnsiCQuoted":
      return /\\[^nt\\'"]/.test(node.text)
        ? "a quoted text has escapes"
        : inBashAlone(around.language);
    case "CommandExpansion":
      return undecidableSubstitution(node);
    case "ProcessSubstitution":
      if (node.script === undefined) return "a substitution cannot be read";
      // Bash takes text that touches it for a part of the same word.
      if (/[^\s;|&(]/.test(around.source[node.pos - 1] ?? "")) return "a word holds a substitution";
      if (/[^\s;|&)]/.test(around.source[node.end] ?? "")) return "a word holds a substitution";
      return inBashAlone(around.language);
    case "ArithmeticExpansion":
      return /^\$\(\([\s\d+*/%()<>=!&|^~?:,-]*\)\)$/.test(node.text)
        ? undefined
        : "arithmetic evaluates variables";
    case "ArithmeticBinary":
    case "ArithmeticUnary":
    case "ArithmeticTernary":
    case "ArithmeticGroup":
    case "ArithmeticWord":
      // The node that contains them was judged by its text.
      return undefined;
    case "ParameterExpansion":
      return undecidableExpansion(node, around.language);
    default:
      return undefined;
  }
}

const judgedAsWords: ReadonlySet<SyntaxNode["type"]> = new Set([
  ...(["Word", "Literal", "AnsiCQuoted", "CommandExpansion", "ProcessSubstitution"] as const),
  ...(["ArithmeticExpansion", "ArithmeticBinary", "ArithmeticUnary", "ArithmeticTernary"] as const),
  ...(["ArithmeticGroup", "ArithmeticWord", "ParameterExpansion"] as const),
]);

function undecidableCommand(node: SyntaxNode, around: Surroundings): string | undefined {
  const { language } = around;
  switch (node.type) {
    case "Pipeline":
      return node.operators.includes("|&") ? inBashAlone(language) : undefined;
    case "Function":
      return undecidableFunction(node, around);
    case "Case":
      return around.isSubstituted ? "a case in a substitution is read in several ways" : undefined;
    case "CaseItem":
      return node.terminator === ";&" || node.terminator === ";;&"
        ? inBashAlone(language)
        : undefined;
    case "Assignment":
      if (node.index !== undefined) return "a subscript is evaluated";
      if (node.value.type === "Word" && node.append !== true) return undefined;
      return inBashAlone(language);
    case "ArrayValue":
      return node.elements.some(({ text }) => text.startsWith("["))
        ? "a subscript is evaluated"
        : undefined;
    case "TestBinary":
      return undecidableTest(node) ?? inBashAlone(language);
    case "TestUnary":
      return /^-[a-hknop-uwxzGLNOS]$/.test(node.operator)
        ? inBashAlone(language)
        : "a test evaluates a variable's name";
    case "Redirect":
      return undecidableRedirect(node, language);
    case "HereDoc":
      return undecidableDocument(node, around);
    default:
      return judgedAsWords.has(node.type) ? undefined : `it contains ${node.type}`;
  }
}

function undecidableSubstitution(node: Node<"CommandExpansion">): string | undefined {
  const { text, script } = node;
  if (script === undefined) return "a substitution cannot be read";
  // Each shell reads quotes and backslashes inside backticks in its own way.
  if (text.startsWith("`")) return /[\\'"]/.test(text) ? "backticks contain quotes" : undefined;
  if (!text.startsWith("$(")) return "a substitution runs in the shell itself";
  return /[\s;&|()]#/.test(text) ? "a substitution contains a comment" : undefined;
}

function undecidableExpansion(
  node: Node<"ParameterExpansion">,
  language: ShellLanguage,
): string | undefined {
  const { operation, index, prefix, text } = node;
  if (prefix === "!") return "an expansion takes its variable's name from a variable";
  if (index !== undefined) {
    return /^(?:\d+|@|\*)$/.test(index.text) ? inBashAlone(language) : "a subscript is evaluated";
  }
  // What quotes in an expansion mean depends on whether the expansion is in quotes itself, and on
  // the shell.
  if (/['"`\\]/.test(text)) return "an expansion contains quotes";
  switch (operation?.type) {
    case undefined:
    case "Default":
    case "Remove":
      return undefined;
    case "Slice":
      return isNumber(operation.offset.text) && isNumber(operation.length?.text ?? "0")
        ? inBashAlone(language)
        : "a slice evaluates variables";
    case "Replace":
    case "CaseModification":
      return inBashAlone(language);
    default:
      return "an expansion may evaluate what a variable holds";
  }
}

function undecidableTest(node: Node<"TestBinary">): string | undefined {
  if (/^(?:=|==|!=|<|>|=~|-nt|-ot|-ef)$/.test(node.operator)) return undefined;
  const { operator, left, right } = node;
  const areNumbers = [left, right].every((word) => isNumber(readWord(word).text));
  return /^-(?:eq|ne|lt|le|gt|ge)$/.test(operator) && areNumbers
    ? undefined
    : "a test evaluates variables";
}

/** Names that this reading of a line relies on: no function may have them. */
const meaningful =
  /^(?:cd|pushd|popd|eval|exec|command|builtin|trap|set|export|declare|typeset|local|readonly|read|printf|unset|test|sh|bash|dash|env|xargs|find|timeout|nice|nohup|stdbuf|ionice|busybox|time|sudo)$/;

function undecidableFunction(
  node: Node<"Function">,
  { language, source }: Surroundings,
): string | undefined {
  const name = node.name.text;
  if (!/^[A-Za-z_]\w*$/.test(name)) return "a function has a strange name";
  if (meaningful.test(name)) return "a function takes the name of a command";
  return /^function\b/.test(source.slice(node.pos)) ? inBashAlone(language) : undefined;
}

function undecidableRedirect(
  { descriptor, operator, target }: Node<"Redirect">,
  language: ShellLanguage,
): string | undefined {
  if (descriptor?.type === "FileDescriptorVariable") return "a redirection sets a variable";
  if (target === undefined) return "a redirection has no target";
  // Bash expands anything that is neither a number nor `-` a second time, even in quotes.
  if (operator === ">&" || operator === "<&") {
    const { text, isStatic } = readWord(target);
    if (!isStatic || !/^(?:-|[\w./][\w./-]*)$/.test(text)) return "a redirection is expanded twice";
  }
  return operator === "&>" || operator === "&>>" ? inBashAlone(language) : undefined;
}

function undecidableDocument(
  { delimiter, closing }: Node<"HereDoc">,
  around: Surroundings,
): string | undefined {
  if (around.isSubstituted) return "a document in a substitution is read in several ways";
  if (delimiter === undefined || closing === undefined) return "a document has no end";
  const { text, value } = delimiter;
  const isPlain = [value, `'${value}'`, `"${value}"`, `\\${value}`].includes(text);
  return isPlain && /^[\w.-]+$/.test(value) ? undefined : "the end of a document is not clear";
}

function isNumber(text: string): boolean {
  return /^ ?-?\d{1,9} ?$/.test(text);
}

/**
 * Whether a name is a script's own variable: short and lower case. `PATH`, `IFS` and others like
 * them change what commands mean; so do `http_proxy` and `npm_config_…`.
 */
export function isOwnVariable(name: string): boolean {
  return /^[a-z][a-z0-9]*$/.test(name);
}

/** `x[$(command)]` in quotes is harmless until `printf -v` or arithmetic takes it as a name. */
function hidesSubstitution(node: Node<"Word">): string | undefined {
  const { text, isStatic } = readWord(node);
  const bracket = isStatic ? text.indexOf("[") : -1;
  const isHidden = bracket > 0 && /\$\(|`|\$\{/.test(text.slice(bracket));
  return isHidden ? "a word hides a substitution in a subscript" : undefined;
}

/** Some systems take other characters for blanks too, because of Unicode or of a single byte. */
function strangeBlank(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII.
  for (const [character] of text.matchAll(/[^\x00-\x7f]/gu)) {
    const bytes = new TextEncoder().encode(character);
    if (/\s|\p{Cf}|\p{Zs}/u.test(character) || bytes.includes(0xa0) || bytes.includes(0x85)) {
      return "a character is a blank to some shells";
    }
  }
  return undefined;
}
