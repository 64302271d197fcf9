// Patterns over URLs, such as `https://*.example.com/docs/*` or just `example.com`. A `*` in the
// host matches only text of the host: `https://*.example.com/` does not match
// `https://evil.test/.example.com/`.
import { matchesWildcard } from "./wildcard.js";

interface UrlPattern {
  /** With its colon; undefined for both http and https. */
  readonly protocol: string | undefined;
  /** With the port, where it is not the protocol's own. */
  readonly host: string;
  /** Path and query; undefined for any. */
  readonly path: string | undefined;
}

/** Whether a URL matches a pattern. A text that is no http or https URL matches no pattern. */
export function matchesUrl(pattern: string, url: string): boolean {
  const wanted = parsePattern(pattern);
  const actual = parseUrl(url);
  if (wanted === undefined || actual === undefined) return false;
  if (wanted.protocol !== undefined && wanted.protocol !== actual.protocol) return false;
  if (!matchesWildcard(wanted.host, actual.host)) return false;
  return wanted.path === undefined || matchesWildcard(wanted.path, actual.pathname + actual.search);
}

/** Whether a pattern matches a URL and names its host in full, without a `*`. */
export function namesUrlHost(pattern: string, url: string): boolean {
  return matchesUrl(pattern, url) && parsePattern(pattern)?.host.includes("*") === false;
}

/** The host of a URL, with its port; undefined if it is no http or https URL. */
export function urlHost(url: string): string | undefined {
  return parseUrl(url)?.host;
}

function parseUrl(url: string): URL | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed?.protocol === "http:" || parsed?.protocol === "https:" ? parsed : undefined;
}

function parsePattern(pattern: string): UrlPattern | undefined {
  const parts = /^(?:(https?:)\/\/)?([^/?#@\\]+)([/?].*)?$/i.exec(pattern);
  const [, protocol, host, path] = parts ?? [];
  if (host === undefined) return undefined;
  return {
    protocol: protocol?.toLowerCase(),
    host: withoutDefaultPort(host.toLowerCase(), protocol?.toLowerCase()),
    path: path?.startsWith("?") ? `/${path}` : path,
  };
}

function withoutDefaultPort(host: string, protocol: string | undefined): string {
  if (protocol === "http:") return host.replace(/:80$/, "");
  return protocol === "https:" ? host.replace(/:443$/, "") : host;
}
