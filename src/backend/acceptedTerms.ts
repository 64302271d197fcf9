import { defined } from "../base/defined.js";
import { stricterMode } from "../base/stricterMode.js";
import type { ResolvedConfig } from "../config/types.js";
import type { RunTerms } from "../coordinator/runTerms.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { Caller } from "./caller.js";
import type { OpenWorkspace } from "./openWorkspace.js";

/** The terms under which a run of a client is accepted now, if it goes on after a loss. */
export function termsOf(
  workspace: OpenWorkspace,
  caller: Caller,
  options: RunOptions,
  config: ResolvedConfig | undefined,
): RunTerms {
  const { env, agent, modes } = workspace.of(caller);
  return {
    mode: stricterMode(options.permissionMode ?? modes.now, config?.maxMode),
    trusted: workspace.holds.isTrusted,
    env: Object.keys(env),
    ...defined({ rules: config?.permissionRules, model: options.model ?? agent.large }),
  };
}
