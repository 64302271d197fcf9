// Makes connections that the platform's own `fetch` cannot make: through a proxy, and to a server
// that may send nothing for long. It is loaded when the first one is needed.
import type { Readable } from "node:stream";
import {
  Agent,
  type buildConnector,
  type Dispatcher,
  Pool,
  ProxyAgent,
  fetch as undiciFetch,
} from "undici";
import { defined } from "../base/defined.js";
import type { WebProxy } from "./proxies.js";
import { ProxyFault, proxyFaultIn } from "./proxyFault.js";

/** How long one side may be silent, in milliseconds; 0 means forever. The default is undici's. */
interface Silence {
  readonly headersTimeout?: number;
  readonly bodyTimeout?: number;
}

/** How long a proxy may take to connect. */
const proxyAnswerMs = 30_000;
/** How many are kept open with their connections. If there is one more, the oldest is closed. */
const mostKept = 16;

const kept = new Map<string, Dispatcher>();
/** The proxies that make no tunnel for `http://`, by their own origin and the origin of the target. */
const withoutTunnel = new Set<string>();

/**
 * Like `fetch`, through a proxy if there is one.
 *
 * @throws ProxyFault when the proxy is the reason that there is no answer.
 */
export async function fetchThrough(
  input: string | URL | Request,
  init: RequestInit,
  proxy: WebProxy | undefined,
  silence: Silence,
): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  if (proxy === undefined) return send(input, init, keptAgent(silence));
  return tunnelled(url, proxy, async (proxyTunnel) => {
    const agent = keptAgent(silence, { proxy, proxyTunnel });
    const response = await send(input, init, agent);
    if (!proxyTunnel && response.status === 407) {
      await response.body?.cancel();
      throw refusal(proxy, 407);
    }
    return response;
  });
}

/** A GET of a page through a proxy. */
export interface PageRequest {
  readonly url: URL;
  /** The target for the proxy: the address that was checked, or the name of the host. */
  readonly address: string;
  readonly proxy: WebProxy;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A page as it arrives. Reading its body to the end, or destroying it, closes the connection. */
export interface PageResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/**
 * Gets a page on a connection of its own. The proxy connects to the address. The request has the host
 * name of the URL, and the certificate must be for that name.
 *
 * @throws ProxyFault when the proxy is the reason that there is no answer.
 */
export async function requestThrough(page: PageRequest): Promise<PageResponse> {
  const { url, address, proxy, headers, signal } = page;
  const origin = new URL(url);
  origin.hostname = address.includes(":") ? `[${address.replace(/^\[|\]$/g, "")}]` : address;
  return tunnelled(url, proxy, async (proxyTunnel) => {
    const agent = proxyAgent({ proxy, proxyTunnel }, {}, servernameOf(url));
    try {
      const {
        statusCode,
        headers: sent,
        body,
      } = await agent.request({
        origin: origin.origin,
        path: `${url.pathname}${url.search}`,
        method: "GET",
        headers: { ...headers, host: url.host },
        signal,
      });
      body.once("close", () => void agent.destroy());
      // A reader of the body gets the error as well. If the body is destroyed unread, nobody waits for it.
      body.on("error", () => {});
      if (!proxyTunnel && statusCode === 407) {
        body.destroy();
        throw refusal(proxy, 407);
      }
      return { status: statusCode, headers: sent, body };
    } catch (error) {
      await agent.destroy();
      throw proxyFaultIn(error) ?? error;
    }
  });
}

/**
 * Sends a request through a proxy, in a tunnel. If the proxy makes no tunnel for `http://`, the request
 * has the whole address instead, as is usual for such proxies.
 */
async function tunnelled<T>(
  url: URL,
  proxy: WebProxy,
  work: (proxyTunnel: boolean) => Promise<T>,
): Promise<T> {
  const pair = `${proxy.origin} ${url.origin}`;
  // An https proxy always gets a tunnel: nothing else is possible through it.
  const canDoWithout = url.protocol === "http:" && proxy.origin.startsWith("http:");
  if (canDoWithout && withoutTunnel.has(pair)) return work(false);
  try {
    return await work(true);
  } catch (error) {
    const fault = proxyFaultIn(error);
    // No part of the request has been sent, because the tunnel comes first.
    if (!canDoWithout || fault === undefined || !fault.mayDoWithoutTunnel) throw error;
  }
  const result = await work(false);
  if (withoutTunnel.size >= 1000) withoutTunnel.clear();
  withoutTunnel.add(pair);
  return result;
}

async function send(
  input: string | URL | Request,
  init: RequestInit,
  dispatcher: Dispatcher,
): Promise<Response> {
  try {
    // Both packages declare the same types separately.
    return (await undiciFetch(
      input as string | URL,
      { ...init, dispatcher } as Parameters<typeof undiciFetch>[1],
    )) as unknown as Response;
  } catch (error) {
    throw proxyFaultIn(error) ?? error;
  }
}

interface Through {
  readonly proxy: WebProxy;
  readonly proxyTunnel: boolean;
}

function keptAgent(silence: Silence, through?: Through): Dispatcher {
  const key = JSON.stringify([silence, through]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const agent = through === undefined ? new Agent(silence) : proxyAgent(through, silence);
  const [oldest] = kept;
  if (kept.size >= mostKept && oldest !== undefined) {
    kept.delete(oldest[0]);
    // It ends by itself when its last request has ended.
    void oldest[1].close();
  }
  kept.set(key, agent);
  return agent;
}

function proxyAgent(
  { proxy, proxyTunnel }: Through,
  silence: Silence,
  servername?: string,
): ProxyAgent {
  return new ProxyAgent({
    uri: proxy.origin,
    proxyTunnel,
    ...silence,
    ...defined({
      token: proxy.authorization,
      requestTls: servername === undefined ? undefined : { servername },
    }),
    clientFactory: (origin, options) =>
      new ProxyPool(proxy, origin, options as { connect: Connector }),
    factory: (origin, options) => new Pool(origin, { ...options, ...silence }),
  });
}

type Connector = ReturnType<typeof buildConnector>;

/** Checks the name of the proxy. The package would also expect a name from an address. */
function withServername(connect: Connector, origin: URL): Connector {
  const servername = servernameOf(origin) ?? "";
  return (options, callback) => connect({ ...options, servername }, callback);
}

/** The connections to a proxy. If one fails, the error says what is wrong with the proxy. */
class ProxyPool extends Pool {
  readonly #proxy: WebProxy;

  constructor(proxy: WebProxy, origin: URL, options: { readonly connect: Connector }) {
    super(origin, { ...options, connect: withServername(options.connect, origin) });
    this.#proxy = proxy;
  }

  override connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData>;
  override connect(
    options: Dispatcher.ConnectOptions,
    callback: (error: Error | null, data: Dispatcher.ConnectData) => void,
  ): void;
  override connect(
    options: Dispatcher.ConnectOptions,
    callback?: (error: Error | null, data: Dispatcher.ConnectData) => void,
  ): Promise<Dispatcher.ConnectData> | undefined {
    if (callback !== undefined) {
      super.connect(options, callback);
      return undefined;
    }
    return this.#connect({ ...options, headersTimeout: proxyAnswerMs } as typeof options);
  }

  async #connect(options: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> {
    let data: Dispatcher.ConnectData;
    try {
      data = await super.connect(options);
    } catch (error) {
      throw unreachable(this.#proxy, error);
    }
    if (data.statusCode === 200) return data;
    data.socket.on("error", () => {}).destroy();
    throw refusal(this.#proxy, data.statusCode);
  }
}

function codeOf(error: unknown): string | undefined {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  if (!(inner instanceof Error) || !("code" in inner)) return undefined;
  return typeof inner.code === "string" ? inner.code : undefined;
}

function unreachable({ title, variable }: WebProxy, cause: unknown): ProxyFault {
  const code = codeOf(cause);
  const advice = `Check that it runs, and that ${variable} is right`;
  // The proxy accepted the connection, and closed it after the request for a tunnel.
  const mayDoWithoutTunnel = code === "UND_ERR_SOCKET" || code === "ECONNRESET";
  return new ProxyFault(
    "unreachable",
    mayDoWithoutTunnel
      ? `${title} ended the connection`
      : `${title} could not be reached${code === undefined ? "" : ` (${code})`}`,
    advice,
    { cause, mayDoWithoutTunnel },
  );
}

function refusal({ title, variable }: WebProxy, status: number): ProxyFault {
  if (status === 407) {
    return new ProxyFault(
      "refused",
      `${title} wants another user name and password, or any (407)`,
      `Write them into ${variable}: http://name:password@host:port`,
    );
  }
  if (status >= 500 && status !== 501 && status !== 505) {
    return new ProxyFault(
      "farSide",
      `${title} could not connect to it (status ${status})`,
      "Check the address, and whether NO_PROXY should name its host",
      { mayDoWithoutTunnel: false },
    );
  }
  return new ProxyFault(
    "refused",
    `${title} refused to connect to it (status ${status})`,
    "Ask whoever runs it, or name the host in NO_PROXY if it is reached without it",
    { mayDoWithoutTunnel: true },
  );
}

/** The name for the target's certificate. An address has no such name. */
function servernameOf({ hostname }: URL): string | undefined {
  return /^[\d.]+$|:/.test(hostname) ? undefined : hostname;
}
