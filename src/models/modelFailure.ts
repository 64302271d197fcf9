import type { RunErrorName } from "../base/runErrors.js";
import type { RunCause } from "../protocol/objects/run.js";

/** Why a model call failed: a message for a person and a name for a program. */
export interface ModelFailure {
  readonly errorName: ModelErrorName;
  /** Names the provider, its status, its own words (bounded, without secrets) and the fix. */
  readonly message: string;
  readonly cause: RunCause;
  /** Set when the same call can succeed later. */
  readonly retry?: RetryHint;
  /** Whether the provider refused an image of the request. */
  readonly isForImage?: boolean;
  /** Of a `ContextOverflow`: the tokens that fit, where the provider names them. */
  readonly contextWindow?: number;
}

/** How often and how soon a failed call is worth another try. */
export interface RetryHint {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** Milliseconds that the provider asked to wait. */
  readonly afterMs?: number;
}

/** The `errorName`s of a run that failed because of its model. */
export type ModelErrorName = Extract<
  RunErrorName,
  | "ProviderAuth"
  | "ProviderError"
  | "ProviderOverloaded"
  | "ProviderTimeout"
  | "ProviderUnreachable"
  | "RateLimited"
  | "ContextOverflow"
  | "ContentFilter"
>;
