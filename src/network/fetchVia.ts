import { directFetch, isDirect } from "./directFetch.js";
import { proxyFor } from "./proxies.js";
import type { Route } from "./route.js";

/** How long the platform's own `fetch` waits for the next bytes, in milliseconds. */
const platformSilenceMs = 300_000;

/**
 * Like `fetch`, for requests whose body is a text or bytes. It uses the proxy for the address. If the
 * other side may send nothing for longer, it has no limits of the platform's own `fetch`. Without a proxy
 * and without such a wait, it is the platform's own `fetch`, or one that costs less where the route allows.
 *
 * @throws ProxyFault when the proxy is the reason that there is no answer.
 */
export async function fetchVia(
  input: string | URL | Request,
  init: RequestInit,
  { proxies, silenceMs = 0, isLight = false }: Route,
): Promise<Response> {
  const url = addressOf(input);
  const proxy = proxyFor(url, proxies);
  const isPatient = silenceMs > platformSilenceMs;
  if (proxy === undefined) {
    // Read here, not when the module is loaded, so that a replaced global `fetch` is used here too.
    const { fetch } = globalThis;
    const isText = typeof input === "string" || input instanceof URL;
    if (isLight && isText && isDirect(url, init) && isPlatforms(fetch)) {
      return directFetch(url, init, {
        silenceMs: isPatient ? Number.POSITIVE_INFINITY : platformSilenceMs,
      });
    }
    if (!isPatient) return fetch(input, init);
  }
  const { fetchThrough } = await import("./connections.js");
  return fetchThrough(input, init, proxy, isPatient ? { headersTimeout: 0, bodyTimeout: 0 } : {});
}

/** The address of a request. To ask for its class would load all of the platform's `fetch`. */
export function addressOf(input: string | URL | Request): URL {
  return new URL(typeof input === "object" && "url" in input ? input.url : input);
}

/** Whether nobody has put another `fetch` in its place: the platform's own says what it loads. */
function isPlatforms(fetch: typeof globalThis.fetch): boolean {
  return Function.prototype.toString.call(fetch).includes("internal/deps/undici");
}
