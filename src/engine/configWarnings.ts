import type { EngineSetup } from "./setup.js";

/**
 * The warnings about a turn's configuration. They tell everything that was left out, except for
 * providers that the turn does not use.
 */
export function warningsFor({
  config,
  large,
  small,
}: Pick<EngineSetup, "config" | "large" | "small">): string[] {
  const used = [large, small].map(({ provider }) => `providers.${provider}.`);
  return config.warnings.filter(
    (warning) =>
      !warning.startsWith("providers.") || used.some((field) => warning.startsWith(field)),
  );
}
