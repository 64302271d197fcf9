import { type ErrorName, errorTable } from "./errors.js";

/** Why a turn did not succeed although no request failed. Only runs have these names. */
const ofRunsAlone = {
  ProviderAuth: "The provider refused the key, or there is none.",
  ProviderError: "The provider answered with an error, or with nothing that makes sense.",
  ProviderOverloaded: "The provider was overloaded or had trouble, also at the last try.",
  ProviderTimeout: "The provider sent nothing for `limits.providerIdleSeconds`.",
  ProviderUnreachable: "The provider could not be reached.",
  RateLimited: "The provider's rate limit was reached, also at the last try.",
  ContextOverflow:
    "The session does not fit into the model's context window, even after a summary.",
  ContentFilter: "The provider's content filter stopped the reply.",
  StepLimit: "The turn would have needed more than `limits.maxSteps` model calls.",
  OutputInvalid: "The model gave no value that fits `outputSchema`, also not at the third try.",
  BudgetExceeded: "The run's model calls reached its limit of cost or tokens.",
  TimeLimit: "The run reached its limit of time.",
  ToolLoop: "The model repeated the same tool call over and over.",
  PermissionDenied: "`limits.maxDenials` permissions in a row were denied.",
  Interrupted: "The server died before the turn had ended.",
  Poisoned: "Each server that went on with the run stopped before it came any further.",
  WaitedTooLong: "No server could go on with the run for `limits.waitingDays`.",
  StorageDamaged: "The stored data cannot be read, because the database is damaged.",
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
