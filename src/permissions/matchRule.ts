// Whether a rule is about what a tool wants to do (contract section 7). One rule alone says little of
// a command line: see commandRules.ts, which takes the line apart.

import { denyingCommandRule } from "./commandRules.js";
import { matchesPath, withoutShorthand } from "./pathRule.js";
import { isAboutTool, parseRule } from "./rule.js";
import type { PermissionNeed } from "./types.js";
import { matchesUrl, namesUrlHost } from "./urlPattern.js";
import { matchesWildcard } from "./wildcard.js";

/** What rules are about in a {@link PermissionNeed}. */
export type RuleSubject = Pick<PermissionNeed, "tool" | "subject" | "path" | "cwd">;

/** How far a pattern on paths reaches: a deny rule as far as it can, an allow rule as far as it says. */
export type PatternReach = "wide" | "narrow";

/**
 * Whether a rule, `tool` or `tool:pattern`, matches a need: the glob its path (relative to the
 * workspace, or absolute), the pattern its URL, or any command in its line, with `*` for anything.
 * `home` is what `~/` means in a path. With the reach `narrow`, a pattern that does not begin at the
 * root or at home is about the workspace alone, so that `**` does not mean the whole disk.
 */
export function matchRule(
  source: string,
  need: RuleSubject,
  home?: string,
  reach: PatternReach = "wide",
): boolean {
  const rule = parseRule(source);
  if (!isAboutTool(rule, need.tool)) return false;
  if (rule.pattern === undefined) return true;
  const { kind, value } = need.subject;
  switch (kind) {
    case "path": {
      const { pattern } = rule;
      return [value, need.path].some(
        (path) =>
          path !== undefined &&
          (reach === "wide" || isAnchored(pattern) === isAnchored(toSlashes(path))) &&
          matchesPath(pattern, toSlashes(path), home),
      );
    }
    case "url":
      return matchesUrl(rule.pattern, value);
    case "command":
      return denyingCommandRule([rule], value) !== undefined;
    case "tool":
      return matchesWildcard(rule.pattern, value);
  }
}

/**
 * Whether a rule matches a need by its name: the URL's host or the path, spelled out, not by a
 * wildcard that happens to cover it. That is what it takes to reach an address that nobody may reach
 * otherwise, and to change a file that grants permissions.
 */
export function namesSubject(source: string, need: RuleSubject, home?: string): boolean {
  const rule = parseRule(source);
  const { pattern } = rule;
  if (pattern === undefined || !isAboutTool(rule, need.tool)) return false;
  const { kind, value } = need.subject;
  if (kind === "url") return namesUrlHost(pattern, value);
  if (kind !== "path") return false;
  const named = withoutShorthand(pattern, home);
  return [value, need.path].some((path) => path !== undefined && toSlashes(path) === named);
}

/** Whether a pattern or a path begins at the root, at a drive or at the user's home. */
function isAnchored(path: string): boolean {
  return /^(?:\/|~\/|[A-Za-z]:)/.test(path);
}

function toSlashes(path: string): string {
  return process.platform === "win32" ? path.replaceAll("\\", "/") : path;
}
