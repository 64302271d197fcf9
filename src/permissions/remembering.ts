// Answers that hold for longer than one call (protocol.md section 7): which can be offered, and what is
// stored for them.
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionChoice } from "../protocol/objects/permissionChoice.js";
import type { PermissionAnswer } from "../protocol/registry.js";
import { type AlwaysAllowed, alwaysGrantFor } from "./alwaysAllowed.js";
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
  const always: PermissionChoice[] = grantFor(options, need) !== undefined ? ["allowAlways"] : [];
  return ["allow", "allowForSession", ...always, "deny"];
}

/** What `allowAlways` would store. Nothing for a file that grants permissions. */
function grantFor(options: Remembering, need: PermissionNeed) {
  const { always, granting = noPaths, workspacePath } = options;
  const cannot = always?.canStore() !== true || changesGrantingFile(need, granting);
  return cannot ? undefined : alwaysGrantFor(need, workspacePath);
}

/** Whether the user has allowed a need for good. */
export function isStored({ always, workspacePath }: Remembering, need: PermissionNeed): boolean {
  const grant = always === undefined ? undefined : alwaysGrantFor(need, workspacePath);
  return grant !== undefined && always?.has(grant) === true;
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
  const grant = answer?.decision === "allowAlways" ? grantFor(options, need) : undefined;
  if (grant === undefined) return;
  try {
    await always?.add(grant);
  } catch (error) {
    sessionGrants.add(need);
    log.warn({ reason: messageOf(error) }, "what was allowed for good holds for the session alone");
  }
}
