// OpenAI's models in a resource of Azure, through the Responses API as `openai` speaks it. A model's id
// is the name of its deployment.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import { defined } from "../base/defined.js";
import type { Provider } from "../config/types.js";
import { type HeaderInit, HeaderList } from "../network/headerList.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { entraToken } from "./azureSignIn.js";
import type { AdaptedModel } from "./configuredModel.js";
import { lateModel } from "./lateModel.js";
import { reasoning } from "./openai.js";
import { providerFetch } from "./providerFetch.js";
import { responsesEvents } from "./responsesEvents.js";
import { SetupError } from "./setupError.js";

const keyVariable = "AZURE_API_KEY";

/** A model that is deployed in a resource of Azure. */
export async function azureModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const { createAzure } = await import("@ai-sdk/azure");
  const { resource, apiVersion } = provider.azure ?? {};
  const baseUrl =
    provider.baseUrl ?? (resource && `https://${resource}.openai.azure.com/openai`) ?? undefined;
  const held = new Set<string>();
  const make = async (): Promise<LanguageModelV3> => {
    if (baseUrl === undefined) throw noResource(provider.id);
    const token = await tokenOf(provider);
    if (token !== undefined) held.add(token);
    const azure = createAzure({
      baseURL: baseUrl,
      headers: provider.headers,
      fetch: withoutEmptyKey(providerFetch(provider, { rules: responsesEvents })),
      // One of the two is always given: otherwise the package would look into the environment.
      ...defined({
        apiVersion,
        apiKey: token === undefined ? (provider.apiKey ?? "") : undefined,
        tokenProvider: token === undefined ? undefined : async () => token,
      }),
    });
    return azure.responses(info.id);
  };
  return {
    model: lateModel(info.id, make),
    ...defined({ baseUrl }),
    secrets: () => [...held],
    advice: `Set ${keyVariable}, or sign in to Entra ID with a role that may call the resource.`,
    adapt: (options) => ({
      ...options,
      providerOptions: { azure: { store: false, ...reasoning(info, options) } },
    }),
  };
}

function noResource(id: string): SetupError {
  const advice = `Set providers.${id}.resource, providers.${id}.baseUrl or AZURE_RESOURCE_NAME.`;
  return new SetupError("has no address", advice, false);
}

/** A token of Entra ID, if there is no key and the address belongs to Azure. */
async function tokenOf({ apiKey, azure, headers }: Provider): Promise<string | undefined> {
  const isTold = Object.keys(headers).some((name) => /^(authorization|api-key)$/i.test(name));
  if (apiKey !== undefined || isTold || !azure?.usesSignIn) return undefined;
  return azure.token ?? (await entraToken());
}

/** If configured headers authenticate the call, an empty key beside them would be refused. */
function withoutEmptyKey(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init) => {
    const headers = new HeaderList(init?.headers as HeaderInit);
    if (headers.get("api-key") === "") headers.delete("api-key");
    return fetch(input, { ...init, headers: [...headers] });
  };
}
