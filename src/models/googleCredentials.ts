// The credentials that a user of Google Cloud has already: a service account's file, what `gcloud`
// has written, a federated identity, or the machine's own account. Google's own library knows all
// of them, and keeps a token while it is valid.
import { stat } from "node:fs/promises";
import { type AuthClient, GoogleAuth } from "google-auth-library";
import { defined } from "../base/defined.js";
import { systemErrorCode } from "../base/systemError.js";
import type { GoogleCloudAccount } from "../config/types.js";
import { fetchVia } from "../network/fetchVia.js";
import type { Proxies } from "../network/proxies.js";
import { reasonFor, SetupError } from "./setupError.js";

const scopes = ["https://www.googleapis.com/auth/cloud-platform"];
const advice =
  "Sign in (gcloud auth application-default login), or name a file of credentials in GOOGLE_APPLICATION_CREDENTIALS or credentialsFile.";

/** The credentials of a call, and its project. */
export interface GoogleAccess {
  readonly token: string;
  readonly project: string;
  /** The project that pays, if the credentials name one. */
  readonly quotaProject?: string;
}

/**
 * Gives the credentials for a call. It asks Google for a new token only when the last one is about
 * to expire.
 */
export class GoogleCredentials {
  readonly #account: GoogleCloudAccount;
  readonly #proxies: Proxies | undefined;
  #auth: GoogleAuth<AuthClient> | undefined;

  /** @param proxies those that Google is asked for a token through. */
  constructor(account: GoogleCloudAccount, proxies: Proxies | undefined) {
    this.#account = account;
    this.#proxies = proxies;
  }

  /**
   * @throws SetupError if there are no credentials, or if they are refused.
   */
  async access(): Promise<GoogleAccess> {
    if (!this.#account.usesOwn) {
      const what = "could not be called: your own credentials go to Google's addresses alone";
      const how = "Set credentialsFile or apiKey beside the baseUrl.";
      throw new SetupError(what, how, true);
    }
    try {
      this.#auth ??= await authOf(this.#account, this.#proxies);
      const client = await this.#auth.getClient();
      const { token } = await client.getAccessToken();
      if (!token) throw new Error("the sign-in gave no token");
      const project = this.#account.project ?? (await this.#auth.getProjectId());
      return { token, project, ...defined({ quotaProject: client.quotaProjectId }) };
    } catch (error) {
      // What was missing or wrong may be corrected before the next call.
      this.#auth = undefined;
      const what = `could not be called: no credentials (${reasonFor(error)})`;
      throw new SetupError(what, advice, true);
    }
  }
}

async function authOf(
  account: GoogleCloudAccount,
  proxies: Proxies | undefined,
): Promise<GoogleAuth<AuthClient>> {
  const { credentialsFile, project, isNamed } = account;
  const isUsed = credentialsFile !== undefined && (isNamed || (await isThere(credentialsFile)));
  return new GoogleAuth<AuthClient>({
    scopes,
    // The library's own way knows neither ALL_PROXY nor the environment of a workspace.
    clientOptions: {
      transporterOptions: {
        fetchImplementation: (input, init = {}) => fetchVia(input, init, { proxies }),
      },
    },
    ...defined({ keyFilename: isUsed ? credentialsFile : undefined, projectId: project }),
  });
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return false;
    throw error;
  }
}
