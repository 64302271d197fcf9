// Fetches a URL through its redirects. Each host on the way needs permission, and each address is
// checked before a connection is made.

import { defined } from "../../base/defined.js";
import { proxiesOf, proxyFor, type WebProxy } from "../../network/proxies.js";
import { ProxyFault } from "../../network/proxyFault.js";
import { PermissionRefused, requirePermission } from "../../permissions/requirePermission.js";
import type { PermissionVerdict } from "../../permissions/types.js";
import { ToolFailure } from "../failure.js";
import type { ToolContext } from "../tool.js";
import { addressOfHost, isLocalName, isPublicAddress } from "./addresses.js";
import { requestFrom, requestThroughProxy, type WebResponse } from "./request.js";

const maxRedirects = 5;

/** Finds the addresses of a name. */
export type Resolver = (hostname: string) => Promise<readonly string[]>;

/** Looks names up as the operating system does. */
export const systemResolver: Resolver = async (hostname) => {
  const { lookup } = await import("node:dns/promises");
  const found = await lookup(hostname, { all: true });
  return found.map(({ address }) => address);
};

export interface Following {
  readonly url: URL;
  /** The tool's input, for questions. */
  readonly input: unknown;
  readonly context: ToolContext;
  readonly resolver: Resolver;
  /** Limits the time of one request. */
  readonly limit: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

/**
 * Fetches a URL and follows its redirects.
 * @throws ToolFailure if it leads nowhere, or to an address that is not allowed.
 */
export async function fetchFollowing(
  following: Following,
): Promise<{ response: WebResponse; url: URL }> {
  let { url } = following;
  let allowedOrigin: string | undefined;
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    requireWeb(url);
    // An origin that was allowed is not asked for again. A downgrade to http is another origin.
    await askFor(following, url, url.origin === allowedOrigin);
    allowedOrigin = url.origin;
    const response = await request(following, url);
    const isRedirect = [301, 302, 303, 307, 308].includes(response.status);
    if (!isRedirect || response.location === undefined) return { response, url };
    response.body.destroy();
    if (!URL.canParse(response.location, url.href)) {
      throw new ToolFailure(`${url.href} redirects to what is no URL.`);
    }
    url = new URL(response.location, url);
  }
  throw new ToolFailure(`${following.url.href} redirects more than ${maxRedirects} times.`);
}

function requireWeb(url: URL): void {
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ToolFailure(`\`url\` must begin with https:// or http://, not ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ToolFailure("`url` contains a user name or a password; leave it out.");
  }
}

/**
 * Asks for permission. An address that is clearly not public needs a rule; nobody is asked. If the
 * origin was allowed before, only a deny rule refuses it.
 */
async function askFor(following: Following, url: URL, isKnownOrigin: boolean): Promise<void> {
  const address = addressOfHost(url.hostname);
  const isPrivate = address === undefined ? isLocalName(url.hostname) : !isPublicAddress(address);
  if (isPrivate) return requireRule(following, url);
  await requirePermission(following.context, {
    tool: "fetch",
    action: "fetch",
    description: `Fetch ${url.href}`,
    subject: { kind: "url", value: url.href },
    input: following.input,
    ...defined({ denyOnly: isKnownOrigin || undefined }),
  });
}

/** Whether an allow rule names the URL's host; nobody is asked. */
function checkRule({ context, input }: Following, url: URL): Promise<PermissionVerdict> {
  return context.permissions.check(
    {
      toolCallId: context.toolCallId,
      tool: "fetch",
      action: "fetch",
      description: `Fetch ${url.href}, which is no public address`,
      subject: { kind: "url", value: url.href },
      input,
      ruleOnly: true,
    },
    context.signal,
  );
}

async function isNamed(following: Following, url: URL): Promise<boolean> {
  return (await checkRule(following, url)).allowed;
}

/** @throws PermissionRefused unless an allow rule names the URL's host. */
async function requireRule(following: Following, url: URL): Promise<void> {
  const verdict = await checkRule(following, url);
  if (verdict.allowed) return;
  throw new PermissionRefused(
    `${url.host} is an address of this machine or of a private network. ${verdict.message} The user can allow it with the rule "fetch:${url.origin}/*".`,
  );
}

/** Asks for one page, of an address that was checked. */
async function request(following: Following, url: URL): Promise<WebResponse> {
  const { signal, env } = following.context;
  try {
    const proxy = proxyFor(url, proxiesOf(env));
    if (proxy !== undefined) return await requestByProxy(following, url, proxy);
    const address = await addressFor(following, url);
    return await following.limit((limited) => requestFrom(url, address, limited));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ToolFailure || error instanceof PermissionRefused) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ToolFailure(`${url.host} cannot be fetched: ${reason}`, { cause: error });
  }
}

/** The address to connect to: checked, unless a rule names the host. */
async function addressFor(following: Following, url: URL): Promise<string> {
  const literal = addressOfHost(url.hostname);
  if (literal !== undefined) return literal;
  const addresses = await following.limit(() => resolveName(following.resolver, url.hostname));
  const [first] = addresses;
  if (first === undefined) throw new ToolFailure(`${url.hostname} has no address.`);
  // One private address among public ones is refused too: the other side chooses which one is used.
  const isPrivate = !addresses.every(isPublicAddress);
  if (isPrivate && !isLocalName(url.hostname)) await requireRule(following, url);
  return first;
}

/**
 * Through a proxy, too, the address is checked here and is what the proxy connects to: it would find out
 * for itself otherwise, and reaches what others do not. Only where a rule names the host is it asked for
 * by its name: some networks know names at their proxy alone, and some proxies take no addresses.
 */
async function requestByProxy(
  following: Following,
  url: URL,
  proxy: WebProxy,
): Promise<WebResponse> {
  const ask = (address: string) =>
    following.limit((limited) => requestThroughProxy(url, address, proxy, limited));
  if (await isNamed(following, url)) return ask(url.hostname);
  const byName = `The user can have it asked for by its name with the rule "fetch:${url.origin}/*".`;
  let address: string;
  try {
    address = await addressFor(following, url);
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    throw new ToolFailure(`${error.message} ${byName}`, { cause: error });
  }
  try {
    return await ask(address);
  } catch (error) {
    if (!(error instanceof ProxyFault) || error.kind !== "refused") throw error;
    const what = `${url.host} cannot be fetched: ${error.message}. It was asked for by its address.`;
    throw new ToolFailure(`${what} ${byName}`, { cause: error });
  }
}

async function resolveName(resolver: Resolver, hostname: string): Promise<readonly string[]> {
  try {
    return await resolver(hostname);
  } catch (error) {
    throw new ToolFailure(`${hostname} cannot be resolved.`, { cause: error });
  }
}
