// A tool server behind a login: an authorization server (OAuth 2.1 with dynamic registration, PKCE and
// refresh tokens that are used once) and a tool server, on one port of 127.0.0.1. Who brings a good token
// is let through to another server, which does the work.
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { defined } from "../../src/base/defined.js";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export class AuthorizedServer {
  readonly seen: SeenRequest[] = [];
  /** Who the tool server says that its authorization server is; itself unless told. */
  issuer = "";
  /** What the login page answers instead of a code. */
  refusal: string | undefined;
  /** Awaited before a token is refreshed. */
  refreshGate: Promise<unknown> = Promise.resolve();
  refreshes = 0;
  origin = "";
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  readonly #codes = new Map<string, { challenge: string; redirect: string; client: string }>();
  readonly #tokens = new Set<string>();
  readonly #refreshTokens = new Set<string>();
  readonly #upstream: string | undefined;

  private constructor(upstream: string | undefined) {
    this.#upstream = upstream;
  }

  /** `upstream` is the tool server that does the work; it is told `Bearer open-sesame`. */
  static async start(upstream?: string): Promise<AuthorizedServer> {
    const server = new AuthorizedServer(upstream);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    server.origin = `http://127.0.0.1:${(server.#server.address() as AddressInfo).port}`;
    server.issuer = server.origin;
    return server;
  }

  get url(): string {
    return `${this.origin}/mcp`;
  }

  /** The access tokens are good no more. */
  expire(): void {
    this.#tokens.clear();
  }

  /** Neither are those that would get new ones. */
  revoke(): void {
    this.expire();
    this.#refreshTokens.clear();
  }

  /** The requests to a path. */
  requests(path: string): SeenRequest[] {
    return this.seen.filter((request) => request.path === path);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.origin);
    let body = "";
    for await (const chunk of request) body += chunk;
    const { method = "GET", headers } = request;
    this.seen.push({ method, path: url.pathname, headers, body });
    const json = (status: number, value: object) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (url.pathname === "/mcp") return this.#serve(request, response, body);
    if (url.pathname.startsWith("/.well-known/oauth-protected-resource")) {
      return void json(200, { resource: this.url, authorization_servers: [this.issuer] });
    }
    if (url.pathname.startsWith("/.well-known/oauth-authorization-server")) {
      return void json(200, this.#metadata());
    }
    if (url.pathname === "/register") {
      return void json(201, { ...JSON.parse(body), client_id: `client-${randomUUID()}` });
    }
    if (url.pathname === "/authorize") return this.#authorize(url, response);
    if (url.pathname === "/token") {
      const [status, answer] = await this.#token(new URLSearchParams(body));
      return void json(status, answer);
    }
    response.writeHead(404).end();
  }

  #metadata() {
    return {
      issuer: this.origin,
      authorization_endpoint: `${this.origin}/authorize`,
      token_endpoint: `${this.origin}/token`,
      registration_endpoint: `${this.origin}/register`,
      response_types_supported: ["code"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["none"],
      authorization_response_iss_parameter_supported: true,
    };
  }

  #authorize({ searchParams }: URL, response: ServerResponse): void {
    const redirect = new URL(searchParams.get("redirect_uri") ?? "");
    redirect.searchParams.set("state", searchParams.get("state") ?? "");
    redirect.searchParams.set("iss", this.origin);
    if (this.refusal !== undefined) redirect.searchParams.set("error", this.refusal);
    else {
      const code = randomUUID();
      this.#codes.set(code, {
        challenge: searchParams.get("code_challenge") ?? "",
        redirect: searchParams.get("redirect_uri") ?? "",
        client: searchParams.get("client_id") ?? "",
      });
      redirect.searchParams.set("code", code);
    }
    response.writeHead(302, { location: redirect.href }).end();
  }

  async #token(form: URLSearchParams): Promise<[number, object]> {
    if (form.get("grant_type") === "refresh_token") {
      this.refreshes++;
      await this.refreshGate;
      // Who uses one twice has stolen it.
      if (!this.#refreshTokens.delete(form.get("refresh_token") ?? "")) {
        return [400, { error: "invalid_grant" }];
      }
      return [200, this.#newTokens()];
    }
    const code = this.#codes.get(form.get("code") ?? "");
    this.#codes.delete(form.get("code") ?? "");
    const challenge = createHash("sha256")
      .update(form.get("code_verifier") ?? "")
      .digest("base64url");
    const fits =
      code?.challenge === challenge &&
      code.redirect === form.get("redirect_uri") &&
      code.client === form.get("client_id");
    return fits ? [200, this.#newTokens()] : [400, { error: "invalid_grant" }];
  }

  #newTokens() {
    const [access, refresh] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    this.#tokens.add(access);
    this.#refreshTokens.add(refresh);
    return { access_token: access, refresh_token: refresh, token_type: "Bearer", expires_in: 3600 };
  }

  async #serve(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    if (!this.#tokens.has(token)) {
      const metadata = `${this.origin}/.well-known/oauth-protected-resource/mcp`;
      response.writeHead(401, { "www-authenticate": `Bearer resource_metadata="${metadata}"` });
      return void response.end(`no, not with ${token}`);
    }
    if (this.#upstream === undefined) return void response.writeHead(500).end();
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const answer = await fetch(this.#upstream, {
        method: request.method ?? "GET",
        headers: { ...(headers as Record<string, string>), authorization: "Bearer open-sesame" },
        ...defined({ body: body || undefined }),
        signal: gone.signal,
      });
      const { "content-encoding": ____, ...given } = Object.fromEntries(answer.headers);
      response.writeHead(answer.status, given);
      if (answer.body === null) response.end();
      else {
        const stream = Readable.fromWeb(answer.body as import("node:stream/web").ReadableStream);
        stream.on("error", () => response.destroy());
        stream.pipe(response);
      }
    } catch {
      response.destroy();
    }
  }
}
