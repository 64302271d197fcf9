// What `allowAlways` stores for a need, and whether it was stored before (protocol.md section 7).
import { defined } from "../base/defined.js";
import type { PermissionRules } from "../config/types.js";
import { allowsCommand, readLine } from "./commandRules.js";
import { commandLine } from "./decide.js";
import { literalCommands } from "./literalCommands.js";
import { isAboutTool, parseRule } from "./rule.js";
import type { PermissionNeed } from "./types.js";

/** One thing that is allowed for good in one workspace; see `PermanentGrant`. */
export interface AlwaysGrant {
  /** `tool:` and what it may do: a text to be compared, not a pattern. */
  readonly rule: string;
  readonly workspace: string;
  readonly folder?: string;
  readonly sandboxed?: true;
}

/** The grants of the user, as the gate of one workspace uses them. */
export interface AlwaysAllowed {
  /** Whether exactly this was stored. What cannot be read grants nothing. Never throws. */
  has(grant: AlwaysGrant): boolean;
  /** Whether something could be stored now. Never throws. */
  canStore(): boolean;
  /** Stores what was allowed. Rejects if that cannot be done; then nothing is stored. */
  add(grants: readonly AlwaysGrant[]): Promise<void>;
}

/**
 * What is stored for a need: a rule for each command of its line, for its path or for its URL. Undefined if
 * nothing can be stored that allows no more than what was asked. So it is for the tools of tool servers
 * and clients: a rule on one of them would allow every input.
 */
export function alwaysGrantsFor(
  need: PermissionNeed,
  workspace: string | undefined,
): readonly AlwaysGrant[] | undefined {
  if (workspace === undefined || need.action === "leavePlan" || need.sandbox === "leaves") {
    return undefined;
  }
  const { tool, subject } = need;
  switch (subject.kind) {
    case "command": {
      if (need.cwd === undefined || need.shell === undefined) return undefined;
      const literals = literalCommands(readLine(commandLine(need)).line);
      return literals?.map(({ text, folder }) => grantOf(need, workspace, text, folder));
    }
    case "path":
    case "url":
      return [{ rule: `${tool}:${subject.value}`, workspace }];
    case "tool":
      return undefined;
  }
}

/** Whether what was stored allows a need. Allow rules may allow other commands of the same line. */
export function isAlwaysAllowed(
  always: AlwaysAllowed,
  rules: PermissionRules,
  need: PermissionNeed,
  workspace: string | undefined,
): boolean {
  if (workspace === undefined) return false;
  if (need.subject.kind !== "command") {
    const grants = alwaysGrantsFor(need, workspace);
    return grants?.every((grant) => always.has(grant)) === true;
  }
  if (need.sandbox === "leaves" || need.cwd === undefined || need.shell === undefined) return false;
  const about = rules.allow.map(parseRule).filter((rule) => isAboutTool(rule, need.tool));
  return allowsCommand(about, commandLine(need), ({ text, folder }) =>
    always.has(grantOf(need, workspace, text, folder)),
  );
}

function grantOf(
  { tool, sandbox }: PermissionNeed,
  workspace: string,
  text: string,
  folder: string,
): AlwaysGrant {
  return {
    rule: `${tool}:${text}`,
    workspace,
    ...defined({
      folder: folder === workspace ? undefined : folder,
      sandboxed: sandbox === undefined ? undefined : (true as const),
    }),
  };
}
