import { defined } from "../base/defined.js";
import type { PermissionRules } from "../config/types.js";
import { allowsCommand, type CommandLine } from "./commandRules.js";
import { type Denial, denyingCommandRule } from "./denyRules.js";
import { matchRule, namesSubject, type RuleSubject } from "./matchRule.js";
import type { RuleFolders } from "./pathRule.js";
import { isAboutTool, parseRule } from "./rule.js";

/** The first deny rule that matches a need, as it was written (protocol.md section 7). */
export function denyingRule(
  rules: PermissionRules,
  need: RuleSubject,
  folders?: string | RuleFolders,
): string | undefined {
  const denial = findDenial(rules, need, folders);
  return denial?.doubt === undefined ? denial?.rule.source : undefined;
}

/** The first deny rule that matches a need. If none does, one that may match. */
export function findDenial(
  rules: PermissionRules,
  need: RuleSubject,
  folders?: string | RuleFolders,
): Denial | undefined {
  if (need.subject.kind !== "command") {
    const source = rules.deny.find((rule) => matchRule(rule, need, folders));
    return source === undefined ? undefined : { rule: parseRule(source) };
  }
  const about = rules.deny.map(parseRule).filter((rule) => isAboutTool(rule, need.tool));
  return denyingCommandRule(about, commandLine(need));
}

/** The command line that a need is about. */
export function commandLine({ subject, cwd, shell }: RuleSubject): CommandLine {
  return defined({
    source: subject.value,
    cwd,
    language: shell?.language,
    hasNoCdpath: shell?.hasNoCdpath,
    rulesFolder: shell?.workspacePath,
  });
}

/** Whether the allow rules allow a need: one of them, or for a command line all of them together. */
export function rulesAllow(
  rules: PermissionRules,
  need: RuleSubject,
  folders?: string | RuleFolders,
): boolean {
  if (need.subject.kind !== "command") {
    return rules.allow.some((rule) => matchRule(rule, need, folders, "narrow"));
  }
  const about = rules.allow.map(parseRule).filter((rule) => isAboutTool(rule, need.tool));
  return allowsCommand(about, commandLine(need));
}

/** Whether an allow rule names the subject of a need in full; see {@link namesSubject}. */
export function rulesName(
  rules: PermissionRules,
  need: RuleSubject,
  folders?: string | RuleFolders,
): boolean {
  return rules.allow.some((rule) => namesSubject(rule, need, folders));
}
