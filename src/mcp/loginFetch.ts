// The requests of a login to the authorization servers that a tool server names. They carry only what a
// login needs, and no headers of the configuration. They follow no redirect to another origin. They use
// TLS, except on the same machine.
import type { FetchLike } from "@modelcontextprotocol/client";
import { fetchWithinOrigin } from "../network/fetchWithinOrigin.js";
import type { Proxies } from "../network/proxies.js";

const longestMs = 30_000;
const mostBytes = 1024 * 1024;

/**
 * Makes the `fetch` for the login to the server at an address. Requests go through `proxies`, if there
 * are any. `signal` ends them.
 */
export function loginFetch(
  serverUrl: string,
  proxies: Proxies | undefined,
  signal?: AbortSignal,
): FetchLike {
  const isLocal = isLoopback(new URL(serverUrl));
  return async (target, init) => {
    const url = new URL(target);
    if (url.protocol !== "https:" && !(isLocal && isLoopback(url))) {
      throw new Error(`a login goes over https alone, not to ${url.origin}`);
    }
    const limits = [AbortSignal.timeout(longestMs), ...[signal, init?.signal].filter(isThere)];
    const response = await fetchWithinOrigin(
      url,
      { ...init, signal: AbortSignal.any(limits) },
      { proxies },
    );
    return bounded(response);
  };
}

/** Whether an address belongs to this machine. No name server is asked. */
export function isLoopback({ protocol, hostname }: URL): boolean {
  if (protocol !== "http:" && protocol !== "https:") return false;
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}

function isThere(signal: AbortSignal | null | undefined): signal is AbortSignal {
  return signal !== null && signal !== undefined;
}

async function bounded(response: Response): Promise<Response> {
  const { status, statusText, headers, body } = response;
  if (body === null) return response;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`an answer has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  const hasBody = status !== 204 && status !== 304;
  return new Response(hasBody ? Buffer.concat(chunks) : null, { status, statusText, headers });
}
