/**
 * Who may ask the page's server for what (docs/inspecting.md, Who can open the page). A page of
 * another site can make the browser send a request to 127.0.0.1, also under a name of its own, but it
 * cannot name this host, has another origin, and does not know the token.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** What the server answers, where it does not serve. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly text: string;
}

/** Refuses what does not come from the page itself, or from whoever types the address. */
export function refuseForeign(headers: IncomingHttpHeaders, port: number): Refusal | undefined {
  const host = `127.0.0.1:${port}`;
  if (headers.host !== host) return forbidden("This is not the host that the page has.");
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    return forbidden("Another origin may not ask.");
  }
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return forbidden("Another site may not ask.");
  }
  return undefined;
}

/** Refuses whoever does not bring the token, in `Authorization: Bearer TOKEN`. */
export function refuseUnknown(headers: IncomingHttpHeaders, token: string): Refusal | undefined {
  const given = headers.authorization ?? "";
  if (isSame(given, `Bearer ${token}`)) return undefined;
  return { status: 401, text: "Open the page by the link that `turnwire inspect` has printed." };
}

/** Takes the same time for every text of the same length, wherever the first difference is. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function forbidden(text: string): Refusal {
  return { status: 403, text };
}
