// Logs in to a tool server over HTTP, as the Model Context Protocol says (OAuth 2.1). The person's browser
// goes to the authorization server that the tool server names. It comes back to a port of this machine,
// with a code that is valid only for this login (state, PKCE).
import { randomUUID } from "node:crypto";
import {
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { untilAborted } from "../base/untilAborted.js";
import { fetchWithinOrigin } from "../network/fetchWithinOrigin.js";
import type { Proxies } from "../network/proxies.js";
import { CallbackListener } from "./callbackListener.js";
import { isLoopback, loginFetch } from "./loginFetch.js";
import type { Logins } from "./logins.js";

/** What is needed for a login. */
export interface LoginOptions {
  readonly url: string;
  /** The configured headers, which go only to the tool server. */
  readonly headers: Readonly<Record<string, string>>;
  readonly logins: Logins;
  readonly proxies?: Proxies | undefined;
  /** Ends the login. */
  readonly signal: AbortSignal;
  /** Shows the person the address to open. */
  show(address: string): void;
}

/**
 * Logs in and stores the login under the server's address. Resolves with false if the server
 * answers without a login and names no authorization server.
 *
 * @throws if the login is refused, given up, or impossible.
 */
export async function logIn(options: LoginOptions): Promise<boolean> {
  const { url, logins, signal } = options;
  const challenge = await challengeOf(options);
  const listener = await CallbackListener.open();
  try {
    const provider = new LoginProvider(listener, options);
    const { resourceMetadataUrl, scope } = challenge;
    const shared = {
      serverUrl: url,
      fetchFn: loginFetch(url, options.proxies, signal),
      ...defined({ resourceMetadataUrl, scope }),
    };
    try {
      await auth(provider, shared);
    } catch (error) {
      if (!challenge.isRefused && !provider.wasShown) return false;
      throw error;
    }
    const { code, iss } = await untilAborted(listener.callback, signal);
    await auth(provider, { ...shared, authorizationCode: code, ...defined({ iss }) });
    const { newTokens: tokens, client } = provider;
    if (tokens === undefined || client === undefined) throw new Error("the server gave no tokens");
    const issuer = provider.issuer ?? tokens.issuer ?? client.issuer;
    if (issuer === undefined) throw new Error("the authorization server does not say who it is");
    const login = { id: randomUUID(), issuer, client, tokens, madeAt: Date.now() };
    await logins.exclusively(() => logins.write(url, login));
    return true;
  } finally {
    listener.close();
  }
}

/** The tool server's answer to a request without a login. */
async function challengeOf({ url, headers, proxies, signal }: LoginOptions) {
  const address = new URL(url);
  if (address.protocol !== "https:" && !isLoopback(address)) {
    throw new Error(`a login goes over https alone, not to ${address.origin}`);
  }
  const request = {
    method: "POST",
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify(greeting),
    signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
  };
  const response = await fetchWithinOrigin(url, request, { proxies });
  await response.body?.cancel();
  if (response.status !== 401) return { isRefused: false };
  const { resourceMetadataUrl, scope } = extractWWWAuthenticateParams(response);
  return { isRefused: true, resourceMetadataUrl, scope };
}

const greeting = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "turnwire", version: "1" },
  },
};

/** The package's view of one login, all of it in memory. */
class LoginProvider implements OAuthClientProvider {
  readonly #listener: Pick<CallbackListener, "redirectUrl" | "state">;
  readonly #show: (address: string) => void;
  readonly #isLocal: boolean;
  #verifier = "";
  /** The address to which the browser brings the code: a port of this program. */
  #discovered: OAuthDiscoveryState | undefined;
  client: StoredOAuthClientInformation | undefined;
  newTokens: StoredOAuthTokens | undefined;
  issuer: string | undefined;
  wasShown = false;

  constructor(
    listener: Pick<CallbackListener, "redirectUrl" | "state">,
    { show, url }: Pick<LoginOptions, "show" | "url">,
  ) {
    this.#listener = listener;
    this.#show = show;
    this.#isLocal = isLoopback(new URL(url));
  }

  get redirectUrl(): string {
    return this.#listener.redirectUrl;
  }

  get clientMetadata() {
    return {
      client_name: "Turnwire",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  state(): string {
    return this.#listener.state;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.client;
  }

  saveClientInformation(client: StoredOAuthClientInformation, context?: Issuer): void {
    this.client = client;
    this.issuer = context?.issuer ?? this.issuer;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.newTokens;
  }

  saveTokens(tokens: StoredOAuthTokens, context?: Issuer): void {
    this.newTokens = tokens;
    this.issuer = context?.issuer ?? this.issuer;
  }

  redirectToAuthorization(address: URL): void {
    // Only a web page is opened in a browser, even if the server names something else.
    const isPage = address.protocol === "https:" || (this.#isLocal && isLoopback(address));
    if (!isPage) throw new Error(`the login page ${address.origin} is not reached over https`);
    this.wasShown = true;
    this.#show(address.href);
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovered = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }
}

type Issuer = { readonly issuer: string };
