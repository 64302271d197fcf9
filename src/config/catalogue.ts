// The models that Turnwire knows without configuration: those of a configured `anthropic`, `openai`
// or `google` provider that lists no models itself. Windows, lengths of replies and prices are generated
// (catalogueFigures.ts, which says from where and of which day they are). Made by hand are, here, which
// models are listed, which are the defaults, and what is corrected.
//
// Prices are US dollars for a million tokens, for prompts of ordinary length. Some vendors charge more for
// long prompts, so a session's cost is an estimate. A configuration can correct any of it.
import { defined } from "../base/defined.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { figures } from "./catalogueFigures.js";
import type { ProviderType } from "./types.js";

type KnownModel = Omit<ModelInfo, "provider">;

/** What the catalogue knows about a type of provider. */
export interface CatalogueEntry {
  readonly models: readonly KnownModel[];
  readonly defaultLargeModel: string;
  readonly defaultSmallModel: string;
}

/** This leaves most of every window to the conversation, and is more than a turn's reply needs. */
const replyTokens = 32_000;

/**
 * The window of these models as the table had it before it was generated, from the vendor. The data set
 * gives the length from which on a prompt costs more; where it tells more of this family, it has a window
 * of 1,050,000 (`gpt-6-cyber`), or 922,000 for what is sent (`gpt-6-luna` as a classifier).
 */
const openaiWindow = { contextWindow: 1_050_000 };
const corrections: Readonly<Record<string, Partial<KnownModel>>> = {
  "gpt-6.1-sol": openaiWindow,
  "gpt-6.1-terra": openaiWindow,
  "gpt-6-astra": openaiWindow,
  "gpt-6-luna": openaiWindow,
};

/** The listed models, the newest first. */
const listed: Readonly<Record<string, readonly string[]>> = {
  anthropic: [
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-fable-5-1",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-opus-4-5",
    "claude-haiku-4-5",
  ],
  openai: [
    "gpt-6.2-sol",
    "gpt-6.2-astra",
    "gpt-6.1-sol",
    "gpt-6.1-terra",
    "gpt-6-astra",
    "gpt-6-luna",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-4.1",
  ],
  google: [
    "gemini-3.8-flash",
    "gemini-4-argon",
    "gemini-4-carbon",
    "gemini-4-hydrogen",
    "gemini-4-neon",
    "gemini-3.5-flash-lite",
  ],
};

/** Every model of the figures, by type of provider and by id. */
const known = readFigures();

function readFigures(): ReadonlyMap<string, ReadonlyMap<string, KnownModel>> {
  const byType = new Map<string, Map<string, KnownModel>>();
  for (const line of figures.trim().split("\n")) {
    const [type = "", id = "", window, reply, sent, received, read, written, can = "", name = id] =
      line.split("|");
    const models = byType.get(type) ?? new Map<string, KnownModel>();
    byType.set(type, models);
    models.set(id, {
      id,
      name: name.replace(/ \(latest\)$/, ""),
      contextWindow: Number(window),
      defaultMaxTokens: Math.min(Number(reply), replyTokens),
      canReason: can.includes("r"),
      supportsImages: can.includes("i"),
      ...defined({
        costPerMillionInput: price(sent),
        costPerMillionOutput: price(received),
        costPerMillionCachedInput: price(read),
        costPerMillionCacheWrite: price(written),
      }),
      ...corrections[id],
    });
  }
  return byType;
}

function price(figure: string | undefined): number | undefined {
  return figure === undefined || figure === "-" ? undefined : Number(figure);
}

function listedModels(type: ProviderType): readonly KnownModel[] {
  return (listed[type] ?? []).flatMap((id) => known.get(type)?.get(id) ?? []);
}

/** The embedded model: it costs nothing, and tests can fill its window. */
const offline: KnownModel = {
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
      models: listedModels("anthropic"),
      defaultLargeModel: "claude-sonnet-5-5",
      defaultSmallModel: "claude-haiku-5-5",
    },
  ],
  [
    "openai",
    {
      models: listedModels("openai"),
      defaultLargeModel: "gpt-6.1-sol",
      defaultSmallModel: "gpt-6-luna",
    },
  ],
  [
    "google",
    {
      models: listedModels("google"),
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
export function knownModel(type: ProviderType, id: string): KnownModel | undefined {
  const own =
    known.get(type)?.get(id) ?? catalogueOf(type)?.models.find((model) => model.id === id);
  if (own !== undefined) return own;
  for (const [vendor, before] of served.get(type) ?? []) {
    const models = [...(known.get(vendor)?.values() ?? [])];
    const found = models.find((model) => isServedAs(model.id, id, before));
    if (found === undefined) continue;
    const {
      costPerMillionInput: _in,
      costPerMillionOutput: _out,
      costPerMillionCachedInput: _read,
      costPerMillionCacheWrite: _written,
      ...rest
    } = found;
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
