import type { Instructions } from "./agentsMd.js";
import type { EngineSetup } from "./engine.js";

/**
 * What a person should know of a turn's configuration and instructions: all that was left out but
 * what belongs to providers that the turn does not use.
 */
export function warningsFor(
  { config, large, small }: Pick<EngineSetup, "config" | "large" | "small">,
  { warning: ofInstructions }: Instructions,
): string[] {
  const used = [large, small].map(({ provider }) => `providers.${provider}.`);
  const settings = config.warnings.filter(
    (warning) =>
      !warning.startsWith("providers.") || used.some((field) => warning.startsWith(field)),
  );
  return ofInstructions === undefined ? settings : [...settings, ofInstructions];
}
