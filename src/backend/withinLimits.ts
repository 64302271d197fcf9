import { defined } from "../base/defined.js";
import type { Limits } from "../config/types.js";
import type { RequestedOptions } from "../coordinator/runOptions.js";

/**
 * Options whose bounds are no higher than those of the configuration (protocol.md section 4, Bounds of a
 * run), so that `getRun` tells the ones that hold. The turn compares them again when it begins.
 *
 * @param limits undefined while the configuration has not been read.
 */
export function withinLimits(
  options: RequestedOptions,
  limits: Limits | undefined,
): RequestedOptions {
  if (limits === undefined) return options;
  const { sent, effective } = options;
  const own = effective.limits;
  const bounds = defined({
    // Every configuration has a bound of the steps. It is told where the run has one of its own.
    steps: own?.steps === undefined ? undefined : Math.min(own.steps, limits.maxSteps),
    costUsd: smaller(own?.costUsd, limits.maxCostUsd),
    tokens: smaller(own?.tokens, limits.maxTokens),
    seconds: smaller(own?.seconds, limits.maxSeconds),
  });
  if (Object.keys(bounds).length === 0) return options;
  return { sent, effective: { ...effective, limits: { ...own, ...bounds } } };
}

function smaller(own: number | undefined, configured: number | undefined): number | undefined {
  if (own === undefined || configured === undefined) return own ?? configured;
  return Math.min(own, configured);
}
