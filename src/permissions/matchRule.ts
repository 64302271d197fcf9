// Whether a rule is about what a tool wants to do (protocol.md section 7). For a command line one
// rule alone is not enough: see commandRules.ts, which looks at each command.

import { toSlashes } from "../base/insideFolder.js";
import { denyingCommandRule } from "./denyRules.js";
import {
  allowsPath,
  compileDeny,
  deniesPath,
  formsOf,
  homesOf,
  type RuleFolders,
} from "./pathRule.js";
import { isAboutTool, parseRule } from "./rule.js";
import type { HidesPath, PermissionNeed, RulePath } from "./types.js";
import { matchesUrl, namesUrlHost } from "./urlPattern.js";
import { matchesWildcard } from "./wildcard.js";

/** The parts of a {@link PermissionNeed} that rules look at. */
export type RuleSubject = Pick<PermissionNeed, "tool" | "subject" | "path" | "cwd" | "shell">;

/** How far a pattern on paths reaches: a deny rule as far as it can, an allow rule as far as it says. */
export type PatternReach = "wide" | "narrow";

/**
 * Whether a rule, `tool` or `tool:pattern`, matches a need: the glob its path (relative to the
 * workspace, or absolute), the pattern its URL, or any command in its line, with `*` for anything.
 * `folders` is the home that `~/` means, alone or with the workspace. With the reach `narrow`, a
 * pattern that does not begin at the root or at home, be it of nothing but stars, is about the
 * workspace alone; see `allowsPath` and `deniesPath`.
 */
export function matchRule(
  source: string,
  need: RuleSubject,
  folders?: string | RuleFolders,
  reach: PatternReach = "wide",
): boolean {
  const rule = parseRule(source);
  if (!isAboutTool(rule, need.tool)) return false;
  if (rule.written === undefined) return true;
  const { kind, value } = need.subject;
  if (kind === "path") {
    const matches = reach === "wide" ? deniesPath : allowsPath;
    return matches(rule.written, rulePath(need), foldersOf(folders));
  }
  if (rule.pattern === undefined) return true;
  switch (kind) {
    case "url":
      return matchesUrl(rule.pattern, value);
    case "command": {
      const denial = denyingCommandRule([rule], { source: value });
      return denial !== undefined && denial.doubt === undefined;
    }
    case "tool":
      return matchesWildcard(rule.pattern, value);
  }
}

/** The test of which paths deny rules hide from a search of any of the tools; undefined if none. */
export function hiddenBy(
  rules: readonly string[],
  tools: readonly string[],
  folders: RuleFolders,
): HidesPath | undefined {
  const about = rules
    .map(parseRule)
    .filter((rule) => tools.some((tool) => isAboutTool(rule, tool)))
    .map(({ written }) => compileDeny(written ?? "", folders));
  return about.length === 0 ? undefined : (path) => about.some((hides) => hides(path));
}

/**
 * Whether a rule names the subject of a need: it spells out the URL's host or the path, and does
 * not just cover it with a wildcard. Such a rule is needed to reach an address that is forbidden
 * otherwise, and to change a file that grants permissions.
 */
export function namesSubject(
  source: string,
  need: RuleSubject,
  folders?: string | RuleFolders,
): boolean {
  const rule = parseRule(source);
  const { pattern } = rule;
  if (pattern === undefined || !isAboutTool(rule, need.tool)) return false;
  const { kind, value } = need.subject;
  if (kind === "url") return namesUrlHost(pattern, value);
  if (kind !== "path") return false;
  const named = formsOf(pattern, homesOf(foldersOf(folders)));
  const { shown, real } = rulePath(need);
  return named.includes(shown) || (real !== undefined && named.includes(real));
}

function foldersOf(folders: string | RuleFolders | undefined): RuleFolders {
  return typeof folders === "string" ? { home: folders } : (folders ?? {});
}

function rulePath({ subject, path }: RuleSubject): RulePath {
  return { shown: toSlashes(subject.value), real: path === undefined ? path : toSlashes(path) };
}
