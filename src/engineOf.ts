// Chooses between the built-in engine and those of the configuration.
import { lazyAcpEngine } from "./acpEngine/lazyAcpEngine.js";
import { withFields } from "./base/log.js";
import type { BuiltInEngineOptions } from "./engine/builtInEngine.js";
import type { Engine } from "./engine/engine.js";
import { grantingPaths } from "./engine/grantingPaths.js";
import { lazyEngine } from "./engine/lazyEngine.js";
import type { EngineWorkspace } from "./engine/setup.js";

/** The engine of a workspace, by its name. */
export function engineOf(workspace: EngineWorkspace, given: BuiltInEngineOptions): Engine {
  const options = { ...given, log: withFields(given.log, { workspaceId: workspace.id }) };
  if (workspace.engine === "turnwire") return lazyEngine(workspace, options);
  const { env, dataDirectory } = options;
  return lazyAcpEngine(workspace, {
    ...options,
    always: async (of) => {
      const { alwaysAllowedIn } = await import("./engine/alwaysAllowedIn.js");
      return alwaysAllowedIn(of, options);
    },
    granting: ({ path, env: own }) => grantingPaths(path, dataDirectory, env, own),
  });
}
