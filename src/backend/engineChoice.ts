// Which engine runs the turns of a workspace (protocol.md section 3).
import { DomainError } from "../base/errors.js";
import { loadConfig } from "../config/load.js";
import { builtInEngine } from "./engineName.js";
import type { OpenWorkspace } from "./openWorkspace.js";

/**
 * Checks that there is an engine of this name.
 *
 * @param env the server's environment, with that of the workspace over it.
 * @throws DomainError `EngineNotFound`, `ConfigInvalid`.
 */
export async function checkEngine(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  if (name === builtInEngine) return;
  // Only the user's own file has engines.
  const { engines } = await loadConfig({ workspacePath: undefined, trusted: false, env });
  if (Object.hasOwn(engines, name)) return;
  const known = [builtInEngine, ...Object.keys(engines)].join(", ");
  const message = `There is no engine ${JSON.stringify(name)} in the user's configuration (\`engines\`); it has ${known}.`;
  throw new DomainError("EngineNotFound", message);
}

/** @throws DomainError `EngineConflict` if a workspace that is open has another engine. */
export function refuseOther({ engine }: OpenWorkspace, asked: string | undefined): void {
  if (asked === undefined || asked === engine) return;
  const message = `The folder is open with the engine ${engine}; close it with deleteWorkspace first.`;
  throw new DomainError("EngineConflict", message);
}
