// Data that a provider sends with a part and needs back: `providerMetadata` in our messages and in
// a model's stream, `providerOptions` in a model's prompt. Only its shape is known: by provider,
// then by name.

import type { JSONObject, SharedV3ProviderOptions } from "@ai-sdk/provider";
import { isNestedDeeper } from "../base/jsonDepth.js";

/** The data in its stored form. */
export type ProviderMetadata = Record<string, unknown>;

/** The most data that is kept for a part, in UTF-16 units of its JSON. */
const longestMetadata = 1024 * 1024;

/**
 * The data that can be stored and sent again. Values that are nested too deep or far too long are
 * left out.
 */
export function keptMetadata(metadata: ProviderMetadata | undefined): ProviderMetadata | undefined {
  if (metadata === undefined || isNestedDeeper(metadata)) return undefined;
  return (JSON.stringify(metadata)?.length ?? 0) > longestMetadata ? undefined : metadata;
}

/** Adds a piece to the data: a later value of the same name replaces the earlier one. */
export function mergedMetadata(
  known: ProviderMetadata | undefined,
  more: ProviderMetadata | undefined,
): ProviderMetadata | undefined {
  if (known === undefined || more === undefined) return more ?? known;
  const merged: ProviderMetadata = { ...known };
  for (const [provider, values] of Object.entries(more)) {
    const before = merged[provider];
    merged[provider] = isObject(before) && isObject(values) ? { ...before, ...values } : values;
  }
  return merged;
}

/** The data in the form for a part of a prompt; an empty object if there is none. */
export function providerOptionsOf(metadata: ProviderMetadata | undefined): {
  providerOptions?: SharedV3ProviderOptions;
} {
  if (metadata === undefined) return {};
  const providerOptions: SharedV3ProviderOptions = {};
  for (const [provider, values] of Object.entries(metadata)) {
    if (isObject(values)) providerOptions[provider] = values;
  }
  return { providerOptions };
}

// It came from JSON, so all values in its objects are JSON too.
function isObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
