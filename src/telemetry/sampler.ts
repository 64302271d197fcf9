// Which traces are told: the samplers of OpenTelemetry's specification (`OTEL_TRACES_SAMPLER`).

/** Decides once for each span. */
export interface Sampler {
  /** Whether a span is taken; `parent` tells whether its parent is, and is undefined if it has none. */
  takes(traceId: string, parent: boolean | undefined): boolean;
}

const always: Sampler = { takes: () => true };
const never: Sampler = { takes: () => false };

/** The same traces are taken by every program that is told the same ratio. */
function ofRatio(ratio: number): Sampler {
  const digits = 14;
  const bound = ratio * 2 ** (4 * digits);
  return {
    // The last 56 bits of the id, which are the random ones by Trace Context's second level.
    takes: (traceId) => Number.parseInt(traceId.slice(-digits), 16) < bound,
  };
}

function basedOnParent(root: Sampler): Sampler {
  return { takes: (traceId, parent) => parent ?? root.takes(traceId, undefined) };
}

/** The sampler of a name with its argument; undefined if there is none of that name. */
export function samplerOf(name: string, argument: string | undefined): Sampler | undefined {
  const [, isBased, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  const root = kind === "always_on" ? always : kind === "always_off" ? never : ratio(argument);
  if (root === undefined) return undefined;
  return isBased === undefined ? root : basedOnParent(root);
}

/** The sampler unless another is asked for. */
export const usualSampler = basedOnParent(always);

function ratio(argument = "1"): Sampler | undefined {
  const value = Number(argument);
  return argument.trim() !== "" && value >= 0 && value <= 1 ? ofRatio(value) : undefined;
}
