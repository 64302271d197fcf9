// The bounds of a run (protocol.md section 4, Bounds of a run): of each, the smaller one of the run's own and
// the configuration's.
import type { RunBound, RunBounds } from "../agent/runBudget.js";
import type { Limits } from "../config/types.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";

/** The bounds of a run, with the name of the option or field that has each. */
export function runBounds(
  { limits: own = {} }: RunOptions,
  limits: Limits,
): RunBounds & { readonly seconds: RunBound | undefined } {
  const steps = { most: limits.maxSteps, field: "limits.maxSteps" };
  return {
    steps: smaller(option("steps", own.steps), steps) ?? steps,
    costUsd: smaller(option("costUsd", own.costUsd), option("maxCostUsd", limits.maxCostUsd)),
    tokens: smaller(option("tokens", own.tokens), option("maxTokens", limits.maxTokens)),
    seconds: smaller(option("seconds", own.seconds), option("maxSeconds", limits.maxSeconds)),
  };
}

function option(name: string, most: number | undefined): RunBound | undefined {
  return most === undefined ? undefined : { most, field: `limits.${name}` };
}

/** The smaller bound; the configuration's if they are the same. */
function smaller(
  own: RunBound | undefined,
  configured: RunBound | undefined,
): RunBound | undefined {
  if (own === undefined || configured === undefined) return own ?? configured;
  return own.most < configured.most ? own : configured;
}
