// What a line does by its syntax alone, so that its commands do not show it.
import type { Redirection, SyntaxNode } from "unbash";
import { isOwnVariable } from "./decidable.js";
import { readWord } from "./words.js";

const harmlessTargets: ReadonlySet<string> = new Set(["/dev/null", "/dev/stdout", "/dev/stderr"]);

/** Whether a piece of syntax writes a file, opens a connection, reads a file or sets a variable. */
export function hasEffect(node: SyntaxNode): boolean {
  switch (node.type) {
    case "Redirect":
      return reachesOut(node);
    case "Redirected":
      return node.redirects.some(({ type, operator }) => type === "Redirect" && operator === "<");
    case "For":
      return !isOwnVariable(node.name.value);
    case "ParameterExpansion": {
      const { operation, parameter } = node;
      const assigns = operation?.type === "Default" && operation.operator.endsWith("=");
      return assigns && !isOwnVariable(parameter);
    }
    default:
      return false;
  }
}

/** Whether a redirection writes a file, or may open a connection (`/dev/tcp/…`). */
function reachesOut({ target, operator }: Extract<Redirection, { type: "Redirect" }>): boolean {
  if (target === undefined) return true;
  const { text, isStatic } = readWord(target);
  if (!isStatic) return true;
  if (operator === ">&" || operator === "<&") return !/^(?:\d+-?|-)$/.test(text);
  if (operator === "<") return /^\/dev\/(?:tcp|udp)\//.test(text);
  return !harmlessTargets.has(text);
}
