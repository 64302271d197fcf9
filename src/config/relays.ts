// Makes the relays of a configuration (docs/fleet.md), with the variables in them filled in.

import { defined } from "../base/defined.js";
import { secretsOf } from "../base/redact.js";
import { proxiesOf } from "../network/proxies.js";
import type { RelaySettings } from "./relaySettings.js";
import type { RelayEntry } from "./schema.js";
import type { Secrets } from "./secrets.js";
import type { Environment } from "./variables.js";

/** The relays of a configuration. One that a variable is missing for is left out, with a warning. */
export function resolveRelays(
  entries: Readonly<Record<string, RelayEntry>>,
  env: Environment,
  secrets: Secrets,
): Record<string, RelaySettings> {
  const relays: Record<string, RelaySettings> = {};
  for (const [name, entry] of Object.entries(entries)) {
    const relay = resolveRelay(name, entry, { env, secrets });
    if (relay !== undefined) relays[name] = relay;
  }
  return relays;
}

const secretFields = ["password", "token", "secret"] as const;
const otherFields = ["user", "credentialsFile", "caFile"] as const;

function resolveRelay(
  name: string,
  entry: RelayEntry,
  { env, secrets }: { env: Environment; secrets: Secrets },
): RelaySettings | undefined {
  const field = `relays.${name}`;
  const kind = entry.type === "http" ? "webhook" : "value";
  const url = secrets[kind](`${field}.url`, entry.url)?.trim();
  const told: Record<string, string> = {};
  for (const one of [...secretFields, ...otherFields]) {
    const text = entry[one];
    if (text === undefined) continue;
    const value = secrets.value(`${field}.${one}`, text);
    // Without its password a relay would only be refused, again and again.
    if (value === undefined) return undefined;
    told[one] = value;
  }
  if (url === undefined) return undefined;
  const headers = secrets.values(`${field}.headers`, entry.headers ?? {}, "header");
  if (Object.keys(headers).length < Object.keys(entry.headers ?? {}).length) return undefined;
  const { user, password, token, secret, credentialsFile, caFile } = told;
  const hidden = [
    ...[password, token, ...(secret?.split(/\s+/) ?? [])].filter((one) => one !== undefined),
    ...secretsOf(undefined, headers),
    ...secretsOfUrl(url),
  ];
  const shared = { url, secrets: hidden.sort((a, b) => b.length - a.length) };
  if (entry.type === "nats") {
    const { stream, subject = "turnwire" } = entry;
    const optional = { stream, user, password, token, credentialsFile, caFile };
    return { type: "nats", ...shared, subject, ...defined(optional) };
  }
  if (entry.type === "postgres") {
    const { table = "turnwire_completions", channel = "turnwire_completed" } = entry;
    return { type: "postgres", ...shared, table, channel };
  }
  return { type: "http", ...shared, headers, ...defined({ secret, proxies: proxiesOf(env) }) };
}

/** Every part of an address that may give access: user name, password, path's tokens and query. */
function secretsOfUrl(addresses: string): string[] {
  return addresses.split(",").flatMap((one) => {
    const address = one.trim();
    if (!URL.canParse(address)) return [address];
    const { username, password, search } = new URL(address);
    // A user name alone is a token of NATS.
    const names = password === "" ? [username] : [];
    const values = [...new URLSearchParams(search).values()];
    return [password, ...names, search, ...values]
      .flatMap((text) => [text, decoded(text)])
      .filter((text) => text.length > 3);
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not encoded.
    return text;
  }
}
