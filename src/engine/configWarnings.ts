import type { Instructions } from "./agentsMd.js";
import type { EngineSetup } from "./engine.js";

/**
 * The warnings about a turn's configuration and instructions. They tell everything that was left
 * out, except for providers that the turn does not use.
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
