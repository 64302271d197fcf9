// The defaults of the configuration (protocol.md sections 4 and 10).
import type { Limits, ProviderType } from "./types.js";
import { type Environment, isSet } from "./variables.js";

/** The limits of a run. */
export const defaultLimits: Limits = {
  maxSteps: 200,
  providerIdleSeconds: 300,
  maxDenials: 5,
  toolSeconds: 600,
};

/** How much of files' contents is kept for taking back, in all of a data directory: 1 GB. */
export const defaultCheckpointMegabytes = 1000;

/** The files of instructions that count where a folder has no `AGENTS.md`. */
export const defaultContextFiles: readonly string[] = [
  "CLAUDE.md",
  ".github/copilot-instructions.md",
];

/** Whether a session is summarised when the context window is nearly full. */
export const defaultAutoSummarize = true;

/** Which model writes summaries: the turn's own model, because the session fits into its window. */
export const defaultSummaryModel = "large";

/** A vendor with a usual variable for its key. */
export type KeyedProviderType = Extract<ProviderType, "anthropic" | "openai" | "google">;

/**
 * The vendors' usual variables, in the order in which they are looked for when nothing is
 * configured.
 */
export const usualKeyVariables: ReadonlyMap<KeyedProviderType, string> = new Map([
  ["anthropic", "ANTHROPIC_API_KEY"],
  ["openai", "OPENAI_API_KEY"],
  ["google", "GEMINI_API_KEY"],
]);

/**
 * The usual variables of keys for models behind a cloud's account; the first one that is set
 * counts. They do not make a provider by themselves: only the account knows which models exist.
 */
const cloudKeyVariables: ReadonlyMap<ProviderType, readonly string[]> = new Map([
  ["azure", ["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"]],
  ["bedrock", ["AWS_BEARER_TOKEN_BEDROCK"]],
  ["vertex", ["GOOGLE_VERTEX_API_KEY"]],
]);

/** Every variable in which a key is looked for. */
export const keyVariables: readonly string[] = [
  ...usualKeyVariables.values(),
  ...[...cloudKeyVariables.values()].flat(),
];

/** The usual variable of a type of provider, if it has one; for a cloud, one that is set. */
export function usualKeyVariable(type: ProviderType, env: Environment): string | undefined {
  const cloud = cloudKeyVariables.get(type)?.find((name) => isSet(name, env));
  return cloud ?? new Map<ProviderType, string>(usualKeyVariables).get(type);
}
