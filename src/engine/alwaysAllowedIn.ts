// What the user has allowed for good in one workspace (protocol.md section 7).
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import { isWithin } from "../base/insideFolder.js";
import { leadsTo } from "../base/leadsTo.js";
import type { Log } from "../base/log.js";
import { permissionsPath } from "../config/paths.js";
import { PermanentGrants } from "../config/permanentGrants.js";
import type { AlwaysAllowed } from "../permissions/index.js";
import type { EngineWorkspace } from "./setup.js";

/**
 * The grants of a workspace. Undefined if there is no place for them, or if that place is in the workspace
 * itself: whoever made the workspace could have put grants there.
 */
export function alwaysAllowedIn(
  { path: workspacePath, env: workspaceEnv }: EngineWorkspace,
  {
    env,
    clock,
    log,
  }: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly clock: Clock;
    readonly log: Log;
  },
): AlwaysAllowed | undefined {
  const file = permissionsPath({ ...env, ...workspaceEnv });
  if (file === undefined) return undefined;
  const isOutside = () =>
    !isWithin(workspacePath, file) && !isWithin(workspacePath, leadsTo(file) ?? file);
  const grants = new PermanentGrants(file, clock);
  let told: string | undefined;
  const isUsable = () => {
    if (!isOutside()) return false;
    try {
      grants.list();
      told = undefined;
      return true;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== told) log.warn({ reason }, "nothing that was allowed for good counts");
      told = reason;
      return false;
    }
  };
  return {
    has: (grant) => isUsable() && grants.has(grant),
    canStore: isUsable,
    add: (added) => grants.add([added]),
  };
}
