// What `allowAlways` stores for a need (protocol.md section 7).
import { defined } from "../base/defined.js";
import { readLine } from "./commandRules.js";
import { commandLine } from "./decide.js";
import { literalLine } from "./literalLine.js";
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
  add(grant: AlwaysGrant): Promise<void>;
}

/**
 * What is stored for a need: one rule for its whole command line, for its path or for its URL. Undefined if
 * nothing can be stored that allows no more than what was asked. So it is for the tools of tool servers
 * and clients: a rule on one of them would allow every input.
 */
export function alwaysGrantFor(
  need: PermissionNeed,
  workspace: string | undefined,
): AlwaysGrant | undefined {
  if (workspace === undefined || need.action === "leavePlan" || need.sandbox === "leaves") {
    return undefined;
  }
  const { tool, subject, sandbox, cwd, shell } = need;
  switch (subject.kind) {
    case "command": {
      if (cwd === undefined || shell === undefined) return undefined;
      const text = literalLine(readLine(commandLine(need)).line);
      if (text === undefined) return undefined;
      const more = {
        folder: cwd === workspace ? undefined : cwd,
        sandboxed: sandbox === undefined ? undefined : (true as const),
      };
      return { rule: `${tool}:${text}`, workspace, ...defined(more) };
    }
    case "path":
    case "url":
      return { rule: `${tool}:${subject.value}`, workspace };
    case "tool":
      return undefined;
  }
}
