// Places where bash runs text that looks like data: arithmetic evaluates what a variable holds, and a
// subscript in it may hold `$(…)`. A line with one of these is left undecided.
import type { SyntaxNode } from "unbash";
import { readWord } from "./words.js";

/** Why a piece of syntax leaves open what runs; undefined when it does not. */
export function undecidable(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case "CommandExpansion":
    case "ProcessSubstitution":
      return node.script === undefined ? "a substitution cannot be read" : undefined;
    case "ArithmeticWord":
      return isNumber(node.value) ? undefined : "arithmetic evaluates variables";
    case "ArithmeticExpansion":
    case "ArithmeticCommand":
      return node.expression === undefined ? "arithmetic cannot be read" : undefined;
    case "For":
    case "Select":
      return isOwnVariable(node.name.value) ? undefined : "a loop sets a variable of the shell";
    case "ParameterExpansion":
      return undecidableExpansion(node);
    case "TestBinary":
      return /^-(?:eq|ne|lt|le|gt|ge)$/.test(node.operator) && !bothNumbers(node)
        ? "a test evaluates variables"
        : undefined;
    case "TestUnary":
      return node.operator === "-v" ? "a test evaluates a variable's name" : undefined;
    case "Word":
      return hidesSubstitution(node) ? "a word hides a substitution in a subscript" : undefined;
    default:
      return undefined;
  }
}

function undecidableExpansion(
  node: Extract<SyntaxNode, { type: "ParameterExpansion" }>,
): string | undefined {
  const { operation, index, parameter } = node;
  if (index !== undefined && !/^(?:\d+|@|\*)$/.test(index.text)) return "a subscript is evaluated";
  switch (operation?.type) {
    case "Default": {
      const assigns = operation.operator.endsWith("=");
      return assigns && !isOwnVariable(parameter) ? "an expansion sets a variable" : undefined;
    }
    case "Slice":
      return isNumber(operation.offset.text) && isNumber(operation.length?.text ?? "0")
        ? undefined
        : "a slice evaluates variables";
    case "Transform":
      return /[PE]/.test(operation.operand.text) ? "an expansion evaluates a variable" : undefined;
    case "Unknown":
      return "an expansion cannot be read";
    default:
      return undefined;
  }
}

function bothNumbers(node: Extract<SyntaxNode, { type: "TestBinary" }>): boolean {
  return [node.left, node.right].every((word) => isNumber(readWord(word).text));
}

function isNumber(text: string): boolean {
  return /^\s*-?\d+\s*$/.test(text);
}

/** Lower case is the script's own; `PATH`, `IFS` and their kind change what commands mean. */
function isOwnVariable(name: string): boolean {
  return /^[a-z_][a-z0-9_]*$/.test(name);
}

/** `x[$(command)]` in quotes: harmless, until `printf -v` or arithmetic takes it as a name. */
function hidesSubstitution(node: Extract<SyntaxNode, { type: "Word" }>): boolean {
  const { text, isStatic } = readWord(node);
  return isStatic && /\w\[.*(?:\$\(|`)/s.test(text);
}
