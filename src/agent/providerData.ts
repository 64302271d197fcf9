// What a provider sends along with a part and wants back: `providerMetadata` in our messages and in a
// model's stream, `providerOptions` in a model's prompt. Opaque, but for its shape: by provider, then
// by name.

import type { JSONObject, SharedV3ProviderOptions } from "@ai-sdk/provider";
import { isNestedDeeper } from "../base/jsonDepth.js";

/** As it is kept in a part. */
export type ProviderMetadata = Record<string, unknown>;

/** The most that is kept of what a provider wants back with a part, in UTF-16 units of its JSON. */
const longestMetadata = 1024 * 1024;

/** What can be stored and sent again: what is nested too deep or far too long is left out. */
export function keptMetadata(metadata: ProviderMetadata | undefined): ProviderMetadata | undefined {
  if (metadata === undefined || isNestedDeeper(metadata)) return undefined;
  return (JSON.stringify(metadata)?.length ?? 0) > longestMetadata ? undefined : metadata;
}

/** What is known after one more piece: a later value of the same name wins. */
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

/** As it goes back with a part of a prompt; the empty object where there is nothing. */
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

// It came out of JSON, so whatever is in an object of it is JSON too.
function isObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
