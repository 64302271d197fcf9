// The bounds of a run that can be kept although the agent makes its model calls itself (docs/engines.md).
import { defined } from "../base/defined.js";
import type { Limits } from "../config/types.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";

/** A bound, and the name of the option or field that has it. */
interface Bound {
  readonly most: number;
  readonly field: string;
}

/** The bounds of a run: of each, the smaller one of the run's own and the configuration's. */
export interface TurnBounds {
  readonly seconds?: Bound;
  readonly costUsd?: Bound;
}

/** The bounds of a run. */
export function turnBounds({ limits: own = {} }: RunOptions, limits: Limits): TurnBounds {
  return defined({
    seconds: smaller(bound("seconds", own.seconds), bound("maxSeconds", limits.maxSeconds)),
    costUsd: smaller(bound("costUsd", own.costUsd), bound("maxCostUsd", limits.maxCostUsd)),
  });
}

function bound(name: string, most: number | undefined): Bound | undefined {
  return most === undefined ? undefined : { most, field: `limits.${name}` };
}

/** The smaller bound; the configuration's if they are the same. */
function smaller(own: Bound | undefined, configured: Bound | undefined): Bound | undefined {
  if (own === undefined || configured === undefined) return own ?? configured;
  return own.most < configured.most ? own : configured;
}
