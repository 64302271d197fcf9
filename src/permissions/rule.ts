import { matchesWildcard } from "./wildcard.js";

/** A rule taken apart: `tool` or `tool:pattern` (contract section 7). */
export interface Rule {
  /** The rule as it was written. */
  readonly source: string;
  /** A tool's name; `*` stands for anything. */
  readonly tool: string;
  /** Undefined for a rule on all that the tool does. */
  readonly pattern: string | undefined;
}

/** Takes a rule apart. A pattern that is empty or `*` covers everything, as does none. */
export function parseRule(source: string): Rule {
  const colon = source.indexOf(":");
  if (colon === -1) return { source, tool: source.trim(), pattern: undefined };
  const pattern = source.slice(colon + 1).trim();
  const coversAll = pattern === "" || /^\*+$/.test(pattern);
  return { source, tool: source.slice(0, colon).trim(), pattern: coversAll ? undefined : pattern };
}

/** Whether a rule is about a tool. */
export function isAboutTool(rule: Rule, tool: string): boolean {
  return matchesWildcard(rule.tool, tool);
}
