// The model and provider of a failed call, and the parts of messages that name them.
import { redact } from "../base/redact.js";
import type { ErrorFacts } from "./errorFacts.js";
import type { Switchable } from "./switchAdvice.js";

/** The model and provider that a message is about. */
export interface ModelIdentity {
  readonly providerId: string;
  readonly modelId: string;
  readonly baseUrl?: string;
  /** The variable with the key. */
  readonly apiKeyVariable?: string;
  readonly hasKey?: boolean;
  /** What the user should check after a refusal, if it is not a key. */
  readonly advice?: string;
  /** The switches that the model can have, and those that are set. */
  readonly switchable?: Switchable;
  /** The secrets that must not appear in a message. */
  readonly secrets?: readonly string[];
}

const longestWords = 300;

/** What to do if the key was refused. */
export function keyAdvice(who: ModelIdentity): string {
  const { apiKeyVariable: variable, advice } = who;
  if (advice !== undefined) return advice;
  if (variable !== undefined) {
    return who.hasKey === false
      ? `No key was sent: set the environment variable ${variable}.`
      : `Check the key in the environment variable ${variable}.`;
  }
  return `Set providers.${who.providerId}.apiKey in the configuration, or check it.`;
}

/** What to do if a switch helps. */
export function switchAdvice(setting: string, { providerId, modelId }: ModelIdentity): string {
  return `If it refuses that always, set ${setting} for the model "${modelId}" in providers.${providerId}.models of the configuration.`;
}

/**
 * The provider's own words. They are redacted before they are cut; otherwise half a secret could
 * stay.
 */
export function said(facts: ErrorFacts, who: ModelIdentity): string {
  const words = redact(facts.words, who.secrets ?? [])
    .replaceAll(/\s+/g, " ")
    .trim();
  if (words === "") return "";
  const shown = words.length > longestWords ? `${words.slice(0, longestWords)}…` : words;
  return ` (${shown.replace(/\.$/, "")})`;
}

/** The address of the provider, as a part of a sentence. */
export function at(who: ModelIdentity): string {
  return who.baseUrl === undefined ? "" : ` at ${shownUrl(who.baseUrl)}`;
}

/** A URL without the parts that can hold a secret: name, password and parameters. */
export function shownUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  return url === undefined ? baseUrl : `${url.protocol}//${url.host}${url.pathname}`;
}
