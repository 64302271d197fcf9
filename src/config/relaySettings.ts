// The settings of relays, with the variables in them filled in (docs/fleet.md).
import type { Proxies } from "../network/proxies.js";

interface Destination {
  /** The address. It may hold a password: it is never logged, never stored. */
  readonly url: string;
  /** What must never appear in a message. */
  readonly secrets: readonly string[];
}

/** NATS JetStream. */
export interface NatsRelay extends Destination {
  readonly type: "nats";
  readonly stream?: string;
  readonly subject: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly credentialsFile?: string;
  readonly caFile?: string;
}

/** Postgres. */
export interface PostgresRelay extends Destination {
  readonly type: "postgres";
  readonly table: string;
  readonly channel: string;
}

/** A webhook. */
export interface HttpRelay extends Destination {
  readonly type: "http";
  /** Signs each request; several are separated by blanks. */
  readonly secret?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly proxies?: Proxies;
}

/** Where a relay carries completions. */
export type RelaySettings = NatsRelay | PostgresRelay | HttpRelay;
