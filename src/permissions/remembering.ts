// Answers that hold for longer than one call (protocol.md section 7): which can be offered, and what is
// stored for them.
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionRules } from "../config/types.js";
import type { PermissionChoice } from "../protocol/objects/permissionChoice.js";
import type { PermissionAnswer } from "../protocol/registry.js";
import { type AlwaysAllowed, alwaysGrantsFor, isAlwaysAllowed } from "./alwaysAllowed.js";
import { changesGrantingFile, type GrantingPaths } from "./grantingFile.js";
import type { SessionGrants } from "./sessionGrants.js";
import type { PermissionNeed } from "./types.js";

/** Where answers are remembered; the part of a gate's options that is about it. */
interface Remembering {
  readonly always?: AlwaysAllowed;
  readonly sessionGrants: SessionGrants;
  readonly granting?: GrantingPaths;
  readonly workspacePath?: string;
  readonly log: Log;
}

const noPaths: GrantingPaths = { files: [], folders: [] };

/** Whether each time needs a question of its own. */
function isForOnce(need: PermissionNeed): boolean {
  return leavesSandbox(need) || need.action === "leavePlan";
}

export function leavesSandbox({ sandbox }: PermissionNeed): boolean {
  return sandbox === "leaves";
}

/** The decisions that are offered for a need. */
export function choicesFor(options: Remembering, need: PermissionNeed): PermissionChoice[] {
  if (isForOnce(need)) return ["allow", "deny"];
  const always: PermissionChoice[] = grantsFor(options, need).length > 0 ? ["allowAlways"] : [];
  return ["allow", "allowForSession", ...always, "deny"];
}

/** What `allowAlways` would store. Nothing for a file that grants permissions. */
function grantsFor(options: Remembering, need: PermissionNeed) {
  const { always, granting = noPaths, workspacePath } = options;
  const cannot = always?.canStore() !== true || changesGrantingFile(need, granting);
  return (cannot ? undefined : alwaysGrantsFor(need, workspacePath)) ?? [];
}

/** Whether the user has allowed a need for good. */
export function isStored(
  { always, workspacePath }: Remembering,
  rules: PermissionRules,
  need: PermissionNeed,
): boolean {
  return always !== undefined && isAlwaysAllowed(always, rules, need, workspacePath);
}

/** Stores what was allowed for longer than this call. If that fails, it holds for the session. */
export async function remember(
  options: Remembering,
  need: PermissionNeed,
  answer: PermissionAnswer | undefined,
): Promise<void> {
  const { always, sessionGrants, log } = options;
  if (isForOnce(need)) return;
  if (answer?.decision === "allowForSession") sessionGrants.add(need);
  const grants = answer?.decision === "allowAlways" ? grantsFor(options, need) : [];
  if (grants.length === 0) return;
  try {
    await always?.add(grants);
  } catch (error) {
    sessionGrants.add(need);
    log.warn({ reason: messageOf(error) }, "what was allowed for good holds for the session alone");
  }
}
