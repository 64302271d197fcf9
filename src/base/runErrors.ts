import { type ErrorName, errorTable } from "./errors.js";

/** Why a turn did not succeed although no request failed. Only runs have these names. */
const ofRunsAlone = {
  ProviderAuth: "The provider refused the key, or there is none.",
  ProviderError: "The provider answered with an error, or with nothing that makes sense.",
  ProviderOverloaded: "The provider is overloaded or has trouble, also at the last try.",
  ProviderTimeout: "The provider sent nothing for `limits.providerIdleSeconds`.",
  ProviderUnreachable: "The provider could not be reached.",
  RateLimited: "The provider's rate limit holds, also at the last try.",
  ContextOverflow: "The session does not fit the model's context window, also summarised.",
  ContentFilter: "The provider's content filter stopped the reply.",
  StepLimit: "The turn would have needed more than `limits.maxSteps` model calls.",
  OutputInvalid: "The model gave no value that fits `outputSchema`, also at the third try.",
  BudgetExceeded: "The run's model calls cost more, or used more tokens, than it was given.",
  TimeLimit: "The run took longer than it was given.",
  ToolLoop: "The model repeated the same tool call over and over.",
  PermissionDenied: "`limits.maxDenials` permissions in a row were denied.",
  Interrupted: "The server died before the turn had ended.",
  StorageDamaged: "What is stored of it cannot be read: the database is damaged there.",
} as const;

/** Errors of requests that can also end a run: failures while its turn is prepared. */
const ofRequestsToo = [
  "ConfigInvalid",
  "ModelNotConfigured",
  "ProviderNotFound",
  "EngineFailed",
  "SandboxUnavailable",
  "StorageFailed",
  "RequestCancelled",
  "InternalError",
] as const satisfies readonly ErrorName[];

/** The name of what ended a run that did not succeed (`RunComplete.errorName`). */
export type RunErrorName = keyof typeof ofRunsAlone | (typeof ofRequestsToo)[number];

/** Every {@link RunErrorName} with its meaning. Types and docs are made from this one list. */
export const runErrorTable: Readonly<Record<RunErrorName, string>> = {
  ...ofRunsAlone,
  ...(Object.fromEntries(ofRequestsToo.map((name) => [name, errorTable[name].summary])) as Record<
    (typeof ofRequestsToo)[number],
    string
  >),
};

/** Whether a name is in the list. */
export function isRunErrorName(name: string): name is RunErrorName {
  return Object.hasOwn(runErrorTable, name);
}
