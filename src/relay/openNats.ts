// Connects to NATS, for relays and for workers (docs/fleet.md).
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
} from "@nats-io/transport-node";
import { defined } from "../base/defined.js";
import type { NatsRelay } from "../config/relaySettings.js";

const connectMs = 10_000;

/** The settings of a connection. */
export type NatsSettings = Pick<
  NatsRelay,
  "url" | "user" | "password" | "token" | "credentialsFile" | "caFile"
>;

/**
 * Connects to NATS. A connection that is lost is closed, or made again with `reconnect`. Rejects where
 * nobody lets it in.
 */
export async function openNats(
  settings: NatsSettings,
  { reconnect = false }: { reconnect?: boolean } = {},
): Promise<NatsConnection> {
  const { url, user, password, token, credentialsFile, caFile } = settings;
  const servers = url.split(",").map((one) => one.trim());
  const found = servers.map(credentialsOf).find((one) => one !== undefined);
  const told = { ...found, ...defined({ user, pass: password, token }) };
  const authenticator =
    credentialsFile === undefined ? undefined : await credentialsIn(credentialsFile);
  const tls = caFile === undefined ? undefined : { caFile };
  return connect({
    servers: servers.map(withoutCredentials),
    name: "turnwire",
    timeout: connectMs,
    reconnect,
    maxReconnectAttempts: -1,
    // Whoever is refused today may be let in tomorrow.
    ignoreAuthErrorAbort: true,
    ...told,
    ...defined({ authenticator, tls }),
  });
}

/** Reads a file of credentials, again before each connection: they may be made new while this works. */
async function credentialsIn(file: string): Promise<Authenticator> {
  let known: Uint8Array = await readFile(file);
  return credsAuthenticator(() => {
    try {
      known = readFileSync(file);
    } catch {
      // It is just being replaced. What was read before is tried once more.
    }
    return known;
  });
}

/** A user and a password, or a token, that an address has before its host. */
function credentialsOf(address: string) {
  if (!URL.canParse(address)) return undefined;
  const { username, password } = new URL(address);
  if (username === "") return undefined;
  const user = decodeURIComponent(username);
  return password === "" ? { token: user } : { user, pass: decodeURIComponent(password) };
}

function withoutCredentials(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  return url.host === "" ? address : `${url.protocol}//${url.host}`;
}
