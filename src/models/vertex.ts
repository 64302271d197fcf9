// Gemini and Claude on Google Cloud. Signatures are kept in the parts' `providerMetadata`, and the
// packages read them again from there.
import type { LanguageModelV3 } from "@ai-sdk/provider";
import { OAuth2Client } from "google-auth-library";
import type { Provider } from "../config/types.js";
import type { ModelInfo } from "../protocol/objects/model.js";
import { adaptForClaude } from "./anthropic.js";
import type { AdaptedModel } from "./configuredModel.js";
import { thinking } from "./google.js";
import { type GoogleAccess, GoogleCredentials } from "./googleCredentials.js";
import { lateModel } from "./lateModel.js";
import { providerFetch } from "./providerFetch.js";
import { SetupError } from "./setupError.js";

/** A model of Google's, or one of Anthropic's, that a project of Google Cloud may call. */
export async function vertexModel(provider: Provider, info: ModelInfo): Promise<AdaptedModel> {
  const isClaude = info.id.startsWith("claude");
  const call = await (isClaude ? claude : gemini)(provider, info.id);
  const credentials = new GoogleCredentials(
    provider.googleCloud ?? { location: "global", usesOwn: false, isNamed: false },
    provider.proxies,
  );
  const held = new Set<string>();
  const make = async (): Promise<LanguageModelV3> => {
    if (provider.apiKey !== undefined) return call(undefined);
    const access = await credentials.access();
    held.add(access.token);
    return call(access);
  };
  return {
    model: lateModel(info.id, make),
    baseUrl: provider.baseUrl ?? originOf(provider),
    secrets: () => [...held],
    advice:
      "Check the credentials (gcloud auth application-default print-access-token) and that the project may call the model.",
    adapt: (options) =>
      isClaude
        ? adaptForClaude(info, options)
        : { ...options, providerOptions: { vertex: thinking(info, options) } },
  };
}

type Call = (access: GoogleAccess | undefined) => LanguageModelV3;

async function gemini(provider: Provider, id: string): Promise<Call> {
  const { createVertex } = await import("@ai-sdk/google-vertex");
  return (access) =>
    createVertex({
      // Always given, even if unset: otherwise the package would look into the environment.
      apiKey: provider.apiKey ?? "",
      baseURL: `${baseOf(provider, access, "v1beta1")}/publishers/google`,
      fetch: providerFetch(provider),
      ...signedIn(provider, access),
    })(id);
}

async function claude(provider: Provider, id: string): Promise<Call> {
  const { createVertexAnthropic } = await import("@ai-sdk/google-vertex/anthropic");
  return (access) => {
    if (access === undefined) {
      const what = `cannot call "${id}" with a key: models of Anthropic's want an account`;
      throw new SetupError(what, "Leave apiKey out, and sign in.", true);
    }
    return createVertexAnthropic({
      baseURL: `${baseOf(provider, access, "v1")}/publishers/anthropic/models`,
      fetch: providerFetch(provider),
      ...signedIn(provider, access),
    })(id);
  };
}

/** The headers of a call: a token that is valid now. The packages do not renew it. */
function signedIn({ headers, googleCloud }: Provider, access: GoogleAccess | undefined) {
  if (access === undefined) return { headers, location: "global", project: "none" };
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: access.token });
  const charged =
    access.quotaProject === undefined ? {} : { "x-goog-user-project": access.quotaProject };
  return {
    headers: { ...charged, ...headers },
    googleAuthOptions: { authClient },
    project: access.project,
    location: googleCloud?.location ?? "global",
  };
}

/** The part of a model's address before `/publishers/`. */
function baseOf(provider: Provider, access: GoogleAccess | undefined, version: string): string {
  const base = provider.baseUrl?.replace(/\/$/, "");
  if (base !== undefined) return base;
  if (access === undefined) return "https://aiplatform.googleapis.com/v1";
  const location = provider.googleCloud?.location ?? "global";
  return `${originOf(provider)}/${version}/projects/${access.project}/locations/${location}`;
}

function originOf({ apiKey, googleCloud }: Provider): string {
  const location = googleCloud?.location ?? "global";
  if (apiKey !== undefined || location === "global") return "https://aiplatform.googleapis.com";
  return ["eu", "us"].includes(location)
    ? `https://aiplatform.${location}.rep.googleapis.com`
    : `https://${location}-aiplatform.googleapis.com`;
}
