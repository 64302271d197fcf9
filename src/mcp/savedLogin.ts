// The login of one tool server as its connection uses it: the token goes with each request, and is
// refreshed when the server takes it no more. Nobody is asked here; that is `turnwire mcp login`.
import {
  type AuthProvider,
  auth,
  extractWWWAuthenticateParams,
  type OAuthClientProvider,
  SdkError,
  SdkHttpError,
  type StoredOAuthTokens,
  UnauthorizedError,
} from "@modelcontextprotocol/client";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Proxies } from "../network/proxies.js";
import { loginFetch } from "./loginFetch.js";
import type { Login, Logins } from "./logins.js";

/** A server that cannot be used before somebody logs in; its message says how. */
class LoginNeeded extends Error {
  override readonly name = "LoginNeeded";

  constructor(login: string) {
    super(loginText(login));
  }
}

/** Whether something failed because the server wants a login, or another one. */
export function needsLogin(error: unknown): boolean {
  if (error instanceof LoginNeeded || error instanceof UnauthorizedError) return true;
  if (error instanceof SdkHttpError && error.data.status === 401) return true;
  return error instanceof SdkError && error.cause !== undefined && needsLogin(error.cause);
}

/** What to do about it; `login` is what `turnwire mcp login` is told. */
export function loginText(login: string): string {
  return `it needs a login: run \`turnwire mcp login ${login}\``;
}

type Refusal = Parameters<NonNullable<AuthProvider["onUnauthorized"]>>[0];

/** The server that a login is for. */
interface LoginServer {
  readonly url: string;
  /** What `turnwire mcp login` is told. */
  readonly name: string;
  readonly proxies: Proxies | undefined;
}

/** What a connection's requests are authorized with. */
export class SavedLogin implements AuthProvider {
  readonly #url: string;
  readonly #name: string;
  readonly #proxies: Proxies | undefined;
  readonly #logins: Logins;
  readonly #onSecret: (secret: string) => void;
  #sent: string | undefined;

  /**
   * `onSecret` hears of every token before it is used, so that it appears in no message.
   */
  constructor(
    { url, name, proxies }: LoginServer,
    logins: Logins,
    onSecret: (secret: string) => void,
  ) {
    this.#url = url;
    this.#name = name;
    this.#proxies = proxies;
    this.#logins = logins;
    this.#onSecret = onSecret;
  }

  async token(): Promise<string | undefined> {
    const login = this.#logins.read(this.#url);
    if (login !== undefined) this.#hide(login);
    this.#sent = login?.tokens.access_token;
    return this.#sent;
  }

  /** @throws LoginNeeded where there is nothing that could be refreshed. */
  async onUnauthorized({ response }: Refusal): Promise<void> {
    const refused = this.#sent;
    if (this.#logins.read(this.#url) === undefined) throw new LoginNeeded(this.#name);
    await this.#logins.exclusively(async () => {
      const login = this.#logins.read(this.#url);
      if (login === undefined) throw new LoginNeeded(this.#name);
      // Another server has refreshed it meanwhile.
      if (login.tokens.access_token !== refused) return;
      if (login.tokens.refresh_token === undefined) throw new LoginNeeded(this.#name);
      await this.#refresh(login, response);
    });
  }

  async #refresh(login: Login, response: Response): Promise<void> {
    const { resourceMetadataUrl } = extractWWWAuthenticateParams(response);
    const provider = new Refreshing(login);
    try {
      await auth(provider, {
        serverUrl: this.#url,
        fetchFn: loginFetch(this.#url, this.#proxies),
        ...defined({ resourceMetadataUrl }),
      });
    } catch (error) {
      if (provider.isRefused) await this.#logins.write(this.#url, undefined);
      else if (!provider.isOfAnother) {
        throw new Error(`its login could not be renewed: ${messageOf(error)}`, { cause: error });
      }
      throw new LoginNeeded(this.#name);
    }
    const { newTokens } = provider;
    if (newTokens === undefined) throw new LoginNeeded(this.#name);
    const renewed = { ...login, tokens: { ...login.tokens, ...newTokens } };
    this.#hide(renewed);
    await this.#logins.write(this.#url, renewed);
  }

  #hide({ tokens, client }: Login): void {
    for (const secret of [tokens.access_token, tokens.refresh_token, client.client_secret]) {
      if (secret !== undefined) this.#onSecret(secret);
    }
  }
}

/** Lets the package refresh one login, and nothing else: no client is registered, nobody is asked. */
class Refreshing implements OAuthClientProvider {
  readonly redirectUrl = "http://127.0.0.1/callback";
  readonly clientMetadata = { redirect_uris: [this.redirectUrl] };
  readonly #login: Login;
  newTokens: StoredOAuthTokens | undefined;
  /** Whether the authorization server takes what is stored no more. */
  isRefused = false;
  /** Whether the tool server names another authorization server now. */
  isOfAnother = false;

  constructor(login: Login) {
    this.#login = login;
  }

  clientInformation(context?: { readonly issuer: string }) {
    if (this.isRefused || !this.#isFor(context)) return undefined;
    return { ...this.#login.client, issuer: this.#login.issuer };
  }

  tokens(context?: { readonly issuer: string }): StoredOAuthTokens | undefined {
    if (this.newTokens !== undefined) return this.newTokens;
    if (this.isRefused || !this.#isFor(context)) return undefined;
    return { ...this.#login.tokens, issuer: this.#login.issuer };
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.newTokens = tokens;
  }

  redirectToAuthorization(): never {
    this.isRefused = true;
    throw new Error("the login has ended");
  }

  saveCodeVerifier(): void {}

  codeVerifier(): never {
    throw new Error("the login has ended");
  }

  invalidateCredentials(): void {
    this.isRefused = true;
  }

  /** What one authorization server gave is told to no other, whichever the tool server names now. */
  #isFor(context: { readonly issuer: string } | undefined): boolean {
    if (context === undefined || context.issuer === this.#login.issuer) return true;
    this.isOfAnother = true;
    return false;
  }
}
