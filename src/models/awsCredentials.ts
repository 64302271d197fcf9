// The credentials that a user of AWS has already, in the order in which AWS's own programs look for
// them. AWS's own library reads the files, asks SSO and roles, runs the command of a profile, and
// keeps the credentials while they are valid.
import { defined } from "../base/defined.js";
import type { AwsAccount } from "../config/types.js";
import type { Proxies } from "../network/proxies.js";
import { awsRequests } from "./awsRequests.js";
import { reasonFor, SetupError } from "./setupError.js";

/** The credentials that sign a request. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * Credentials that expire, by account. Those that never expire are read again each time, since a
 * file may change.
 */
const kept = new Map<string, { readonly credentials: AwsCredentials; readonly untilMs: number }>();
const mostKept = 100;
/**
 * Credentials must still be valid for this long: a call that begins now may be retried and signed
 * again.
 */
const marginMs = 5 * 60_000;

const ignore = () => {};
/** Otherwise the library writes a warning to the console. */
const logger = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

/**
 * Credentials that are valid now.
 *
 * @param proxies the proxies that requests to AWS go through. The machine's own service is asked directly.
 * @throws SetupError if there are none, or if they have expired.
 */
export async function awsCredentials(
  account: AwsAccount,
  region: string,
  proxies: Proxies | undefined,
  now: () => number = Date.now,
): Promise<AwsCredentials> {
  if (account.keys !== undefined) return account.keys;
  const { profile, credentialsFile, configFile } = account;
  const key = JSON.stringify([profile, credentialsFile, configFile, region]);
  const known = kept.get(key);
  if (known !== undefined && known.untilMs > now()) return known.credentials;
  kept.delete(key);
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await ask(
      account,
      region,
      proxies,
    );
    const credentials = { accessKeyId, secretAccessKey, ...defined({ sessionToken }) };
    if (kept.size >= mostKept) kept.clear();
    if (expiration) kept.set(key, { credentials, untilMs: expiration.getTime() - marginMs });
    return credentials;
  } catch (error) {
    const whose = profile === undefined ? "" : ` of the profile ${profile}`;
    const what = `could not be called: no credentials${whose} (${reasonFor(error)})`;
    throw new SetupError(what, adviceFor(profile), true);
  }
}

async function ask(account: AwsAccount, region: string, proxies: Proxies | undefined) {
  const { profile, ...files } = account;
  const requestHandler = proxies && awsRequests(proxies);
  const clientConfig = { region, ...defined({ requestHandler }) };
  const init = { ...filesOf(files), logger, clientConfig };
  if (profile !== undefined) {
    // Only this profile: a misspelt name must not fall back to the machine's own credentials.
    const { fromIni } = await import("@aws-sdk/credential-provider-ini");
    return fromIni({ ...init, profile })();
  }
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  return defaultProvider(init)();
}

function filesOf({ credentialsFile, configFile }: AwsAccount) {
  return {
    ignoreCache: true,
    ...defined({ filepath: credentialsFile, configFilepath: configFile }),
  };
}

/** The region of a profile; undefined if the files do not name one. */
export async function awsRegion(account: AwsAccount): Promise<string | undefined> {
  const { loadSharedConfigFiles } = await import("@smithy/core/config");
  const { profile = "default" } = account;
  try {
    const { configFile, credentialsFile } = await loadSharedConfigFiles(filesOf(account));
    const region = configFile[profile]?.region ?? credentialsFile[profile]?.region;
    return region !== undefined && /^[A-Za-z0-9-]+$/.test(region) ? region : undefined;
  } catch (error) {
    const what = `could not be called: AWS's files cannot be read (${reasonFor(error)})`;
    throw new SetupError(what, adviceFor(account.profile), true);
  }
}

function adviceFor(profile: string | undefined): string {
  const flag = profile === undefined ? "" : ` --profile ${profile}`;
  return `Sign in (aws sso login${flag}), or set AWS_BEARER_TOKEN_BEDROCK, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`;
}
