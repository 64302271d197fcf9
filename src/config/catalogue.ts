// The models that Turnwire knows without configuration: those of a configured `anthropic`, `openai`
// or `google` provider that lists no models itself. It is only a table to be edited: the data set
// that @mariozechner/pi-ai 0.73.1 ships was looked at on 2026-11-28, and the newest models of the
// table were not in it. Prices of cached input are from that data set, for the models that it has.
//
// Prices are US dollars for a million tokens, as the vendors list them for prompts of ordinary
// length. Some vendors charge more for long prompts, so a session's cost is an estimate. A price that is
// announced to change, or that is not known, is left out. A configuration can correct any of it.
import { defined } from "../base/defined.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import type { ProviderType } from "./types.js";

/** What the catalogue knows about a type of provider. */
export interface CatalogueEntry {
  readonly models: readonly Omit<ModelInfo, "provider">[];
  readonly defaultLargeModel: string;
  readonly defaultSmallModel: string;
}

/** This leaves most of every window to the conversation, and is more than a turn's reply needs. */
const replyTokens = 32_000;

interface Row {
  readonly id: string;
  readonly name: string;
  readonly contextWindow: number;
  readonly outputLimit: number;
  /** Dollars for input and for output. */
  readonly price?: readonly [number, number];
  /**
   * Dollars for tokens that are read from the provider's cache, and for tokens that are written to
   * it if that has its own price. The figures are those of @mariozechner/pi-ai 0.73.1. Other models
   * have none, and use their ordinary price.
   */
  readonly cachePrice?: readonly [number, number?];
  readonly canReason?: boolean;
}

function model(row: Row): Omit<ModelInfo, "provider"> {
  return {
    id: row.id,
    name: row.name,
    contextWindow: row.contextWindow,
    defaultMaxTokens: Math.min(row.outputLimit, replyTokens),
    canReason: row.canReason ?? true,
    supportsImages: true,
    ...defined({
      costPerMillionInput: row.price?.[0],
      costPerMillionOutput: row.price?.[1],
      costPerMillionCachedInput: row.cachePrice?.[0],
      costPerMillionCacheWrite: row.cachePrice?.[1],
    }),
  };
}

const anthropic: readonly Row[] = [
  {
    id: "claude-sonnet-5-5",
    name: "Claude Sonnet 5.5",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [2, 10],
  },
  {
    id: "claude-opus-5-5",
    name: "Claude Opus 5.5",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [4, 20],
  },
  {
    id: "claude-haiku-5-5",
    name: "Claude Haiku 5.5",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [0.1, 0.5],
  },
  {
    id: "claude-fable-5-1",
    name: "Claude Fable 5.1",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [10, 50],
  },
  {
    id: "claude-opus-5",
    name: "Claude Opus 5",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [5, 25],
  },
  {
    id: "claude-sonnet-5",
    name: "Claude Sonnet 5",
    contextWindow: 1_000_000,
    outputLimit: 128_000,
    price: [2, 10],
  },
  {
    id: "claude-opus-4-5",
    name: "Claude Opus 4.5",
    contextWindow: 200_000,
    outputLimit: 64_000,
    price: [5, 25],
    cachePrice: [0.5, 6.25],
  },
  {
    id: "claude-haiku-4-5",
    name: "Claude Haiku 4.5",
    contextWindow: 200_000,
    outputLimit: 64_000,
    price: [1, 5],
    cachePrice: [0.1, 1.25],
  },
];

const openai: readonly Row[] = [
  {
    id: "gpt-6.1-sol",
    name: "GPT-6.1 Sol",
    contextWindow: 1_050_000,
    outputLimit: 128_000,
    price: [2, 10],
  },
  {
    id: "gpt-6.1-terra",
    name: "GPT-6.1 Terra",
    contextWindow: 1_050_000,
    outputLimit: 128_000,
    price: [1, 5],
  },
  {
    id: "gpt-6-astra",
    name: "GPT-6 Astra",
    contextWindow: 1_050_000,
    outputLimit: 128_000,
    price: [10, 50],
  },
  {
    id: "gpt-6-luna",
    name: "GPT-6 Luna",
    contextWindow: 1_050_000,
    outputLimit: 128_000,
    price: [0.1, 0.5],
  },
  {
    id: "gpt-5",
    name: "GPT-5",
    contextWindow: 400_000,
    outputLimit: 128_000,
    price: [1.25, 10],
    cachePrice: [0.125],
  },
  {
    id: "gpt-5-mini",
    name: "GPT-5 mini",
    contextWindow: 400_000,
    outputLimit: 128_000,
    price: [0.25, 2],
    cachePrice: [0.025],
  },
  {
    id: "gpt-5-nano",
    name: "GPT-5 nano",
    contextWindow: 400_000,
    outputLimit: 128_000,
    price: [0.05, 0.4],
    cachePrice: [0.005],
  },
  {
    id: "gpt-4.1",
    name: "GPT-4.1",
    contextWindow: 1_047_576,
    outputLimit: 32_768,
    price: [2, 8],
    cachePrice: [0.5],
    canReason: false,
  },
];

const google: readonly Row[] = [
  {
    id: "gemini-3.8-flash",
    name: "Gemini 3.8 Flash",
    contextWindow: 1_048_576,
    outputLimit: 65_536,
  },
  {
    id: "gemini-4-argon",
    name: "Gemini 4 Argon",
    contextWindow: 1_048_576,
    outputLimit: 65_536,
  },
  {
    id: "gemini-3.5-flash-lite",
    name: "Gemini 3.5 Flash-Lite",
    contextWindow: 1_048_576,
    outputLimit: 65_536,
    price: [0.3, 2.5],
  },
];

/** The embedded model: it costs nothing, and tests can fill its window. */
const offline: Omit<ModelInfo, "provider"> = {
  id: "offline",
  name: "Offline model",
  contextWindow: 128_000,
  canReason: true,
  supportsImages: false,
  costPerMillionInput: 0,
  costPerMillionOutput: 0,
};

const catalogue: ReadonlyMap<ProviderType, CatalogueEntry> = new Map([
  [
    "anthropic",
    {
      models: anthropic.map(model),
      defaultLargeModel: "claude-sonnet-5-5",
      defaultSmallModel: "claude-haiku-5-5",
    },
  ],
  [
    "openai",
    {
      models: openai.map(model),
      defaultLargeModel: "gpt-6.1-sol",
      defaultSmallModel: "gpt-6-luna",
    },
  ],
  [
    "google",
    {
      models: google.map(model),
      defaultLargeModel: "gemini-3.8-flash",
      defaultSmallModel: "gemini-3.5-flash-lite",
    },
  ],
  ["offline", { models: [offline], defaultLargeModel: "offline", defaultSmallModel: "offline" }],
]);

/** A cloud that serves the models of others, and how it names those. */
const served: ReadonlyMap<ProviderType, readonly (readonly [ProviderType, RegExp])[]> = new Map([
  ["azure", [["openai", /^()$/]]],
  ["bedrock", [["anthropic", /^(?:[a-z-]+\.)?anthropic\.$/]]],
  [
    "vertex",
    [
      ["google", /^()$/],
      ["anthropic", /^()$/],
    ],
  ],
]);

/**
 * What is known about a model, by its id and type of provider. For a model that a cloud serves,
 * everything except the price, which is the cloud's own.
 */
export function knownModel(
  type: ProviderType,
  id: string,
): Omit<ModelInfo, "provider"> | undefined {
  const own = catalogueOf(type)?.models.find((model) => model.id === id);
  if (own !== undefined) return own;
  for (const [vendor, before] of served.get(type) ?? []) {
    const found = catalogueOf(vendor)?.models.find((model) => isServedAs(model.id, id, before));
    if (found === undefined) continue;
    const { costPerMillionInput: _in, costPerMillionOutput: _out, ...rest } = found;
    return { ...rest, id };
  }
  return undefined;
}

/** Whether a cloud's id is a vendor's id with a prefix, and with a date or a version after it. */
function isServedAs(vendorId: string, id: string, before: RegExp): boolean {
  const at = id.indexOf(vendorId);
  if (at < 0 || !before.test(id.slice(0, at))) return false;
  return /^([-@]\d{8})?(-v\d{1,3}(:\d{1,3})?)?$/.test(id.slice(at + vendorId.length));
}

/**
 * What is known about a type of provider. Nothing is known about `openai-compatible`, which can be
 * anything, and about the clouds, where each account has its own models.
 */
export function catalogueOf(type: ProviderType): CatalogueEntry | undefined {
  return catalogue.get(type);
}
