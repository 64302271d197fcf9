import type { PermissionRules } from "../config/types.js";
import { allowsCommand, denyingCommandRule } from "./commandRules.js";
import { matchRule, namesSubject, type RuleSubject } from "./matchRule.js";
import type { RulePlaces } from "./pathRule.js";
import { isAboutTool, parseRule } from "./rule.js";

/** The first deny rule that matches a need, as it was written (contract section 7). */
export function denyingRule(
  rules: PermissionRules,
  need: RuleSubject,
  places?: string | RulePlaces,
): string | undefined {
  if (need.subject.kind !== "command") {
    return rules.deny.find((rule) => matchRule(rule, need, places));
  }
  const about = rules.deny.map(parseRule).filter((rule) => isAboutTool(rule, need.tool));
  return denyingCommandRule(about, need.subject.value)?.source;
}

/** Whether the allow rules allow a need: one of them, or for a command line all of them together. */
export function rulesAllow(
  rules: PermissionRules,
  need: RuleSubject,
  places?: string | RulePlaces,
): boolean {
  if (need.subject.kind !== "command") {
    return rules.allow.some((rule) => matchRule(rule, need, places, "narrow"));
  }
  const about = rules.allow.map(parseRule).filter((rule) => isAboutTool(rule, need.tool));
  return allowsCommand(about, need.subject.value);
}

/** Whether an allow rule names just what a need is about; see {@link namesSubject}. */
export function rulesName(
  rules: PermissionRules,
  need: RuleSubject,
  places?: string | RulePlaces,
): boolean {
  return rules.allow.some((rule) => namesSubject(rule, need, places));
}
