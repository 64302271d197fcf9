// The options of a run that an agent's program cannot follow (docs/engines.md). They are refused, so that
// nobody counts on them.
import type { OptionProblem } from "../engine/engine.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";

/** The first option that the engine cannot follow; undefined if it can follow all. */
export function optionProblem(engine: string, options: RunOptions): OptionProblem | undefined {
  const { limits = {}, model = undefined, outputSchema } = options;
  if (outputSchema !== undefined) {
    return { path: "outputSchema", message: `the engine ${engine} cannot be asked for a value` };
  }
  for (const name of ["steps", "tokens"] as const) {
    if (limits[name] === undefined) continue;
    const message = `the engine ${engine} makes its model calls itself and does not tell of each`;
    return { path: `limits.${name}`, message };
  }
  for (const name of ["maxTokens", "temperature", "topP"] as const) {
    if (model?.[name] === undefined) continue;
    return { path: `model.${name}`, message: `the engine ${engine} cannot be told it` };
  }
  return undefined;
}
