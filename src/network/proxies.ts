// The proxies that the environment names, in the variables that most programs read. Decides which proxy a
// request uses, and which hosts are reached without one.
import { defined } from "../base/defined.js";
import { namesHost } from "./proxyExceptions.js";
import { ProxyFault } from "./proxyFault.js";

/** A variable that names a proxy, and its value. The value may contain a password, so it is never shown. */
interface ProxySetting {
  readonly variable: string;
  readonly value: string;
}

/** The proxies that an environment names, as they are written there. */
export interface Proxies {
  /** For addresses with `http://`. */
  readonly http?: ProxySetting;
  /** For addresses with `https://`. */
  readonly https?: ProxySetting;
  /** The hosts that are reached without a proxy, as `NO_PROXY` lists them. */
  readonly exceptions: string;
}

/** A proxy for a request. */
export interface WebProxy {
  /** Scheme, host and port; no user name and no password. */
  readonly origin: string;
  /** The header with the name and password. It is never logged and never shown. */
  readonly authorization?: string;
  /** Its name in a message: its host and port, and the variable that names it. */
  readonly title: string;
  /** The variable that names it. */
  readonly variable: string;
}

/**
 * Reads the proxies of an environment (docs/configuration.md, Proxies). Undefined if it names none. A
 * name in small letters wins over the one in capitals. `ALL_PROXY` is used if no other one is set. An
 * empty or blank variable counts as not set.
 */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies | undefined {
  const setting = (...names: string[]): ProxySetting | undefined => {
    for (const variable of names.flatMap((name) => [name, name.toUpperCase()])) {
      const value = env[variable]?.trim();
      if (value) return { variable, value };
    }
    return undefined;
  };
  const http = setting("http_proxy", "all_proxy");
  const https = setting("https_proxy", "all_proxy");
  if (http === undefined && https === undefined) return undefined;
  return { ...defined({ http, https }), exceptions: setting("no_proxy")?.value ?? "" };
}

/**
 * The proxy for an address. Undefined if it is reached without one.
 *
 * @throws ProxyFault when the variable for this address names no usable proxy.
 */
export function proxyFor(url: URL, proxies: Proxies | undefined): WebProxy | undefined {
  const setting = url.protocol === "https:" ? proxies?.https : proxies?.http;
  if (proxies === undefined || setting === undefined) return undefined;
  return namesHost(proxies.exceptions, url) ? undefined : parseProxy(setting);
}

function parseProxy({ variable, value }: ProxySetting): WebProxy {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "") {
    throw new ProxyFault(
      "setup",
      `the variable ${variable} is not the address of a proxy`,
      `Write it as http://host:port, or unset ${variable}`,
    );
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    const kind = url.protocol.slice(0, -1);
    throw new ProxyFault(
      "setup",
      `the variable ${variable} names a proxy of the kind ${kind}, and only http and https proxies can be used`,
      variable.toLowerCase() === "all_proxy"
        ? "Set HTTPS_PROXY and HTTP_PROXY to an http proxy, or NO_PROXY to the hosts that are reached without one"
        : `Set ${variable} to an http proxy, or unset it`,
    );
  }
  const authorization = authorizationOf(url, variable);
  return {
    origin: url.origin,
    ...defined({ authorization }),
    title: `the proxy ${url.host} (${variable})`,
    variable,
  };
}

function authorizationOf({ username, password }: URL, variable: string): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString("base64")}`;
  } catch (error) {
    throw new ProxyFault(
      "setup",
      `the user name or the password in the variable ${variable} has a "%" that begins no character`,
      'Write "%25" for the character itself',
      { cause: error },
    );
  }
}
