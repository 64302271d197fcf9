// Fetches a URL through its redirects. Each host on the way needs permission, and each address is
// checked before a connection is made.

import { defined } from "../../base/defined.js";
import { PermissionRefused, requirePermission } from "../../permissions/requirePermission.js";
import { ToolFailure } from "../failure.js";
import type { ToolContext } from "../tool.js";
import { addressOfHost, isLocalName, isPublicAddress } from "./addresses.js";
import { requestFrom, type WebResponse } from "./request.js";

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
    const address = await addressFor(following, url);
    const response = await request(following, url, address);
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

/** @throws PermissionRefused unless an allow rule names the URL's host. */
async function requireRule(following: Following, url: URL): Promise<void> {
  const verdict = await following.context.permissions.check(
    {
      toolCallId: following.context.toolCallId,
      tool: "fetch",
      action: "fetch",
      description: `Fetch ${url.href}, which is no public address`,
      subject: { kind: "url", value: url.href },
      input: following.input,
      ruleOnly: true,
    },
    following.context.signal,
  );
  if (verdict.allowed) return;
  throw new PermissionRefused(
    `${url.host} is an address of this machine or of a private network. ${verdict.message} The user can allow it with the rule "fetch:${url.origin}/*".`,
  );
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

async function resolveName(resolver: Resolver, hostname: string): Promise<readonly string[]> {
  try {
    return await resolver(hostname);
  } catch (error) {
    throw new ToolFailure(`${hostname} cannot be resolved.`, { cause: error });
  }
}

async function request(following: Following, url: URL, address: string): Promise<WebResponse> {
  const { signal } = following.context;
  try {
    return await following.limit((limited) => requestFrom(url, address, limited));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ToolFailure) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ToolFailure(`${url.host} cannot be fetched: ${reason}`, { cause: error });
  }
}
