// Models of Amazon Bedrock, through its Converse API. Signed thinking is kept in the parts'
// `providerMetadata`, which the package reads again.
import type {
  JSONObject,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  SharedV3ProviderOptions,
} from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { Provider } from "../config/types.js";
import { Answer } from "../network/answer.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { markForCaching, thinking, withoutTrailingBlanks } from "./anthropic.js";
import { awsCredentials, awsRegion } from "./awsCredentials.js";
import { readNote } from "./callNote.js";
import type { AdaptedModel } from "./configuredModel.js";
import { EventFrames } from "./eventFrames.js";
import { lateModel } from "./lateModel.js";
import { providerFetch } from "./providerFetch.js";
import { SetupError } from "./setupError.js";

/** A model of Bedrock, by its id or by the id of an inference profile. */
export async function bedrockModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
  const held = new Set<string>();
  const account = provider.aws ?? {};
  const make = async (): Promise<LanguageModelV3> => {
    const region = await regionOf(provider);
    const credentials =
      provider.apiKey === undefined
        ? await awsCredentials(account, region, provider.proxies)
        : undefined;
    for (const secret of [credentials?.secretAccessKey, credentials?.sessionToken]) {
      if (secret !== undefined) held.add(secret);
    }
    const bedrock = createAmazonBedrock({
      region,
      baseURL: provider.baseUrl ?? addressIn(region),
      headers: provider.headers,
      fetch: fetchFrames(provider),
      // Each is always given: otherwise the package would look into the environment.
      apiKey: provider.apiKey ?? " ",
      ...defined({ credentialProvider: credentials && (async () => credentials) }),
    });
    return bedrock(info.id);
  };
  const baseUrl = provider.baseUrl ?? (account.region && addressIn(account.region));
  return {
    model: lateModel(info.id, make),
    ...defined({ baseUrl }),
    secrets: () => [...held],
    advice: adviceFor(account.profile),
    adapt: (options) => adapt(info, options),
  };
}

function adviceFor(profile: string | undefined): string {
  const whose = profile === undefined ? "the credentials" : `the profile ${profile}`;
  const flag = profile === undefined ? "" : ` --profile ${profile}`;
  return `Check ${whose} (aws sts get-caller-identity${flag}) and the access to the model.`;
}

async function regionOf({ id, aws, baseUrl, apiKey }: Provider): Promise<string> {
  const region = aws?.region ?? (await awsRegion(aws ?? {}));
  if (region !== undefined) return region;
  // With a key and an address, the region is in nothing that is sent.
  if (baseUrl !== undefined && apiKey !== undefined) return "none";
  const advice = `Set providers.${id}.region or AWS_REGION, or the region of the profile.`;
  throw new SetupError("has no region", advice, false);
}

function addressIn(region: string): string {
  const ending = region.startsWith("cn-")
    ? "amazonaws.com.cn"
    : region.startsWith("eusc-")
      ? "amazonaws.eu"
      : "amazonaws.com";
  return `https://bedrock-runtime.${region}.${ending}`;
}

/** A `fetch` whose answer has whole frames. A refusal after its beginning becomes an error. */
function fetchFrames(provider: Provider): typeof fetch {
  // The answer is binary and has no lines. `EventFrames` bounds each frame.
  const fetchOrRefuse = providerFetch(provider, { mostEventBytes: Number.POSITIVE_INFINITY });
  return async (input, init) => {
    const response = await fetchOrRefuse(input, init);
    if (!response.ok || response.body === null) return response;
    const { status, statusText, headers } = response;
    const body = response.body.pipeThrough(new EventFrames());
    return Answer.of(body, { status, statusText, headers });
  };
}

const cachePoint: SharedV3ProviderOptions = { bedrock: { cachePoint: { type: "default" } } };
/** Other models refuse cache marks. */
const takesMarks = /anthropic\.claude|amazon\.nova/;

function adapt(info: ModelInfo, options: LanguageModelV3CallOptions): LanguageModelV3CallOptions {
  const prompt = withoutTrailingBlanks(options.prompt);
  return {
    ...options,
    prompt: takesMarks.test(info.id) ? markForCaching(prompt, cachePoint) : prompt,
    providerOptions: { bedrock: reasoning(info, options) },
  };
}

function reasoning(info: ModelInfo, options: LanguageModelV3CallOptions): JSONObject {
  const { reasoningEffort: effort } = readNote(options);
  if (effort === undefined || !info.canReason) return {};
  if (/claude/.test(info.id)) {
    const { thinking: how, effort: maxReasoningEffort } = thinking(info, options);
    return {
      reasoningConfig: {
        ...asObject(how),
        ...defined({ maxReasoningEffort }),
      },
    };
  }
  if (effort === "none") return {};
  const isOpenAi = /(^|\.)openai\./.test(info.id);
  const maxReasoningEffort = effort === "minimal" ? "low" : effort;
  const how = isOpenAi ? {} : { type: "enabled" };
  return /nova|openai/.test(info.id) ? { reasoningConfig: { ...how, maxReasoningEffort } } : {};
}

function asObject(value: JSONObject[string]): JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
