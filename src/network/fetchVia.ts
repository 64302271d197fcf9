import { proxyFor } from "./proxies.js";
import type { Route } from "./route.js";

/** How long the platform's own `fetch` waits for the next bytes, in milliseconds. */
const platformSilenceMs = 300_000;

/**
 * Like `fetch`, for requests whose body is a text or bytes. It uses the proxy for the address. If the
 * other side may send nothing for longer, it has no limits of the platform's own `fetch`. Without a proxy
 * and without such a wait, it is the platform's own `fetch`.
 *
 * @throws ProxyFault when the proxy is the reason that there is no answer.
 */
export async function fetchVia(
  input: string | URL | Request,
  init: RequestInit,
  { proxies, silenceMs = 0 }: Route,
): Promise<Response> {
  const proxy = proxyFor(new URL(input instanceof Request ? input.url : input), proxies);
  const isPatient = silenceMs > platformSilenceMs;
  // Read here, not when the module is loaded, so that a replaced global `fetch` is used here too.
  if (proxy === undefined && !isPatient) return globalThis.fetch(input, init);
  const { fetchThrough } = await import("./connections.js");
  return fetchThrough(input, init, proxy, isPatient ? { headersTimeout: 0, bodyTimeout: 0 } : {});
}
