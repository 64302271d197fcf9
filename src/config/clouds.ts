// The accounts of clouds: the credentials that users have in the environment already, and whether
// they may be sent to a provider's address. Like other keys, keys in the environment are hidden
// from tools.
import { join } from "node:path";
import { defined } from "../base/defined.js";
import type { ProviderEntry } from "./schema.js";
import type { Secrets } from "./secrets.js";
import type { AwsAccount, AzureAccount, GoogleCloudAccount, Provider } from "./types.js";
import { type Environment, isSet } from "./variables.js";

/** The default addresses of a cloud. */
const vendorHosts: Readonly<Record<string, RegExp>> = {
  azure: /\.(openai|services\.ai|cognitiveservices)\.azure\.(com|us|cn)$/,
  bedrock:
    /(^|\.)bedrock-runtime(-fips)?\.[a-z0-9-]{1,40}\.(vpce\.)?(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws)$/,
  vertex: /(^|[-.])aiplatform\.((us|eu)\.rep\.)?googleapis\.com$/,
};

/** Whether a provider's requests go to its vendor, according to its address. */
export function isVendors({ type, baseUrl }: ProviderEntry): boolean {
  if (baseUrl === undefined) return true;
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === "https:" && (vendorHosts[type]?.test(hostname) ?? false);
}

/** Whether an entry names its credentials itself; then the usual variables do not count. */
export function namesCredentials(entry: ProviderEntry): boolean {
  return entry.profile !== undefined || entry.credentialsFile !== undefined;
}

/** The account of a provider behind a cloud; empty for all others. */
export function cloudAccount(
  id: string,
  entry: ProviderEntry,
  env: Environment,
  secrets: Secrets,
): Pick<Provider, "azure" | "aws" | "googleCloud"> {
  const held: Held = (name) =>
    isSet(name, env) ? secrets.value(`providers.${id}`, `$${name}`) : undefined;
  switch (entry.type) {
    case "azure":
      return { azure: azureAccount(entry, env, held) };
    case "bedrock":
      return { aws: awsAccount(entry, env, held) };
    case "vertex":
      return { googleCloud: googleCloudAccount(entry, env, held) };
    default:
      return {};
  }
}

/** Reads a variable that is hidden from tools. */
type Held = (name: string) => string | undefined;

function azureAccount(entry: ProviderEntry, env: Environment, held: Held): AzureAccount {
  // The sign-in of Azure's own package reads these.
  for (const name of [
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
  ]) {
    held(name);
  }
  const usesSignIn = isVendors(entry);
  const token = held("AZURE_OPENAI_AD_TOKEN");
  return {
    usesSignIn,
    ...defined({
      resource: entry.resource ?? label("AZURE_RESOURCE_NAME", env),
      apiVersion: entry.apiVersion,
      token: usesSignIn ? token : undefined,
    }),
  };
}

/**
 * A signature does not reveal the key. So unlike other credentials, these may be used with any
 * `baseUrl`.
 */
function awsAccount(entry: ProviderEntry, env: Environment, held: Held): AwsAccount {
  const accessKeyId = held("AWS_ACCESS_KEY_ID");
  const secretAccessKey = held("AWS_SECRET_ACCESS_KEY");
  const sessionToken = held("AWS_SESSION_TOKEN");
  held("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const profile = entry.profile ?? plain("AWS_PROFILE", env);
  const hasKeys =
    profile === undefined && accessKeyId !== undefined && secretAccessKey !== undefined;
  const keys = hasKeys ? { accessKeyId, secretAccessKey, ...defined({ sessionToken }) } : undefined;
  return defined({
    region: entry.region ?? label("AWS_REGION", env) ?? label("AWS_DEFAULT_REGION", env),
    profile,
    keys,
    credentialsFile:
      plain("AWS_SHARED_CREDENTIALS_FILE", env) ?? atHome(env, ".aws", "credentials"),
    configFile: plain("AWS_CONFIG_FILE", env) ?? atHome(env, ".aws", "config"),
  });
}

function googleCloudAccount(
  entry: ProviderEntry,
  env: Environment,
  held: Held,
): GoogleCloudAccount {
  const named = held("GOOGLE_APPLICATION_CREDENTIALS");
  const usesOwn = entry.credentialsFile !== undefined || isVendors(entry);
  const folder =
    plain("CLOUDSDK_CONFIG", env) ??
    (process.platform === "win32"
      ? env.APPDATA && join(env.APPDATA, "gcloud")
      : atHome(env, ".config", "gcloud"));
  const usual = folder && join(folder, "application_default_credentials.json");
  return {
    usesOwn,
    isNamed: (entry.credentialsFile ?? named) !== undefined,
    location:
      entry.location ??
      label("GOOGLE_CLOUD_LOCATION", env) ??
      label("GOOGLE_VERTEX_LOCATION", env) ??
      label("CLOUD_ML_REGION", env) ??
      "global",
    ...defined({
      project:
        entry.project ??
        projectIn("GOOGLE_CLOUD_PROJECT", env) ??
        projectIn("GOOGLE_VERTEX_PROJECT", env) ??
        projectIn("GCLOUD_PROJECT", env),
      credentialsFile: usesOwn
        ? (entry.credentialsFile ?? named ?? (usual || undefined))
        : undefined,
    }),
  };
}

function plain(name: string, env: Environment): string | undefined {
  return isSet(name, env) ? env[name]?.trim() : undefined;
}

/** A text that becomes a part of a host's name. An impossible text counts as not set. */
function label(name: string, env: Environment): string | undefined {
  const value = plain(name, env);
  return value !== undefined && /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(value) ? value : undefined;
}

function projectIn(name: string, env: Environment): string | undefined {
  const value = plain(name, env);
  return value !== undefined && /^[A-Za-z0-9][A-Za-z0-9.:_-]*$/.test(value) ? value : undefined;
}

function atHome(env: Environment, ...parts: string[]): string | undefined {
  const home = plain(process.platform === "win32" ? "USERPROFILE" : "HOME", env);
  return home === undefined ? undefined : join(home, ...parts);
}
