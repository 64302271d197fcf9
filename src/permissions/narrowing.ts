// Rules of one run that allow less than the configuration does, and never more (protocol.md section 4,
// Options of a run).
import { rulesAllow } from "./decide.js";
import type { RuleSubject } from "./matchRule.js";
import type { RuleFolders } from "./pathRule.js";
import { isAboutTool, parseRule } from "./rule.js";

/** What the rules of a run allow and deny. */
export interface Narrowing {
  /** Only calls that one of these matches are allowed. Undefined if there is no such bound. */
  readonly allow?: readonly string[] | undefined;
  readonly deny?: readonly string[] | undefined;
}

/** Whether a run may do something at all, as far as its allow rules say. */
export function isWithin(
  { allow }: Narrowing,
  need: RuleSubject,
  folders: RuleFolders | undefined,
): boolean {
  return allow === undefined || rulesAllow({ allow, deny: [] }, need, folders);
}

/**
 * Whether a tool can be allowed in a run with any input at all.
 *
 * @param denied the deny rules of the configuration.
 */
export function canBeAllowed(
  { allow, deny = [] }: Narrowing,
  denied: readonly string[],
  tool: string,
): boolean {
  const rules = (sources: readonly string[]) =>
    sources.map(parseRule).filter((rule) => isAboutTool(rule, tool));
  if (allow !== undefined && rules(allow).length === 0) return false;
  // A rule without a pattern, or with a pattern of stars, denies every call of the tool.
  return !rules([...deny, ...denied]).some(({ pattern }) => pattern === undefined);
}
