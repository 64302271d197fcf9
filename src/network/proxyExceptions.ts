// `NO_PROXY`: the hosts that are reached without a proxy. There is no standard for it. This follows the rules
// that curl, Go and Node share, and the networks that Go and curl know.
import { BlockList, isIP } from "node:net";

const usualPorts: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * Whether a list names the host of an address. Its entries are separated by commas or blanks. An entry is
 * `*` for all hosts; a host, which includes the hosts under it; `.name` or `*.name` for only the hosts
 * under it; an IP address; or a network such as `10.0.0.0/8`. All but a network may have a port, which
 * limits the entry to that port.
 */
export function namesHost(list: string, url: URL): boolean {
  const host = bare(url.hostname.toLowerCase());
  const port = url.port || (usualPorts[url.protocol] ?? "");
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== "" && matches(entry, host, port));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/") && !entry.includes("://")) return isInNetwork(entry, host);
  const written = entry.replace(/^[a-z]+:\/\//, "").replace(/\/.*$/, "");
  const { name, port: only } = divided(written);
  if (only !== undefined && only !== port) return false;
  if (name === "*") return true;
  if (isIP(name) !== 0 || isIP(host) !== 0) return isSameAddress(name, host);
  if (/^\*?\./.test(name)) return host.endsWith(name.replace(/^\*/, ""));
  return host === name || host.endsWith(`.${name}`);
}

/** A name and its port. An IPv6 address has a port only after its brackets. */
function divided(entry: string): { readonly name: string; readonly port?: string } {
  if (isIP(entry) !== 0) return { name: entry };
  const at = entry.lastIndexOf(":");
  const port = at < 0 ? "" : entry.slice(at + 1);
  if (!/^\d{1,5}$/.test(port)) return { name: bare(entry) };
  return { name: bare(entry.slice(0, at)), port: String(Number(port)) };
}

/** Removes the brackets of an IPv6 address, and a dot at the end of a name. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1").replace(/(.)\.$/, "$1");
}

function isSameAddress(name: string, host: string): boolean {
  if (name === host) return true;
  const family = isIP(name) === 6 ? "ipv6" : "ipv4";
  if (isIP(name) === 0 || isIP(name) !== isIP(host)) return false;
  const one = new BlockList();
  one.addAddress(name, family);
  return one.check(host, family);
}

function isInNetwork(entry: string, host: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  const address = bare(network);
  const version = isIP(address);
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  // It is not a network, so it matches no host.
  if (version === 0 || !(prefix <= (version === 4 ? 32 : 128)) || isIP(host) !== version) {
    return false;
  }
  const family = version === 4 ? "ipv4" : "ipv6";
  const all = new BlockList();
  all.addSubnet(address, prefix, family);
  return all.check(host, family);
}
