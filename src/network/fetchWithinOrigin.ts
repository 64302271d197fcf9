// Requests carry keys, configured headers and a conversation. They go to the origin that the user
// chose, and to no other. A redirect comes from a server, not from the user.
import { addressOf, fetchVia } from "./fetchVia.js";
import { type HeaderInit, HeaderList } from "./headerList.js";
import type { Route } from "./route.js";

/** A redirect that was not followed. Its message names only the two origins. */
class RedirectRefused extends Error {
  override readonly name = "RedirectRefused";
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const mostRedirects = 5;

/**
 * Like `fetch`, for requests whose body is text or bytes. It follows at most five redirects, as the
 * Fetch standard says, and only within the same origin (scheme, host and port).
 *
 * @param route how the requests get there.
 * @throws ProxyFault when the proxy is the reason that there is no answer.
 * @throws RedirectRefused when the answer leads to another origin, to no web address, or in a circle.
 */
export async function fetchWithinOrigin(
  input: string | URL | Request,
  init: RequestInit | undefined,
  route: Route,
): Promise<Response> {
  const first = addressOf(input);
  let url = first;
  let response = await fetchVia(input, { ...init, redirect: "manual" }, route);
  let request = { ...init };
  for (let count = 0; redirects.has(response.status); count++) {
    const location = response.headers.get("location");
    if (location === null) return response;
    await response.body?.cancel();
    if (count === mostRedirects) {
      throw new RedirectRefused(`${first.origin} redirects more than ${mostRedirects} times`);
    }
    url = targetOf(location, url, first);
    request = nextRequest(request, response.status);
    response = await fetchVia(url, { ...request, redirect: "manual" }, route);
  }
  return response;
}

function targetOf(location: string, from: URL, first: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new RedirectRefused(`${first.origin} redirects to what is no address`);
  }
  const target = new URL(location, from);
  if (target.origin !== first.origin) {
    // The origin of `file:` and similar schemes is the text "null".
    const where = target.origin === "null" ? target.protocol : target.origin;
    throw new RedirectRefused(
      `${first.origin} redirects to another origin, ${where}, where nothing was sent: keys and the conversation go to the configured address alone. If that is the right one, configure it`,
    );
  }
  if (target.username !== "" || target.password !== "") {
    throw new RedirectRefused(`${first.origin} redirects with a user name or a password`);
  }
  return target;
}

/** The status 303, and 301 and 302 after a POST, mean: fetch the answer with a GET. */
function nextRequest(request: RequestInit, status: number): RequestInit {
  const method = request.method?.toUpperCase() ?? "GET";
  const becomesGet =
    (status === 303 && method !== "HEAD") ||
    ((status === 301 || status === 302) && method === "POST");
  if (!becomesGet || method === "GET") return request;
  const headers = new HeaderList(request.headers as HeaderInit);
  for (const name of ["content-type", "content-length", "content-encoding", "content-language"]) {
    headers.delete(name);
  }
  const { body: _, ...rest } = request;
  return { ...rest, method: "GET", headers: [...headers] };
}
