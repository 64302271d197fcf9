import { matchesWildcard } from "./wildcard.js";

/** A rule taken apart: `tool` or `tool:pattern` (protocol.md section 7). */
export interface Rule {
  /** The rule as it was written. */
  readonly source: string;
  /** A tool's name; `*` stands for anything. */
  readonly tool: string;
  /**
   * The pattern. Undefined for a rule without a colon, which covers everything that the tool does.
   */
  readonly written: string | undefined;
  /**
   * Like `written`, but also undefined if it is empty or `*`, which covers every command and
   * address.
   */
  readonly pattern: string | undefined;
}

/** Takes a rule apart. */
export function parseRule(source: string): Rule {
  const colon = source.indexOf(":");
  const tool = (colon === -1 ? source : source.slice(0, colon)).trim();
  if (colon === -1) return { source, tool, written: undefined, pattern: undefined };
  const written = source.slice(colon + 1).trim();
  const coversAll = /^\**$/.test(written);
  return { source, tool, written, pattern: coversAll ? undefined : written };
}

/** Whether a rule is about a tool. */
export function isAboutTool(rule: Rule, tool: string): boolean {
  return matchesWildcard(rule.tool, tool);
}
