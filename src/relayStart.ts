// When the relays of a server begin and end (docs/fleet.md). Their code is loaded when they begin.
import type { Clock } from "./base/clock.js";
import { Closing } from "./base/closing.js";
import { messageOf } from "./base/errors.js";
import type { Log } from "./base/log.js";
import type { RelaySettings } from "./config/relaySettings.js";
import type { Outbox } from "./events/outbox.js";
import type { Database } from "./storage/database.js";

/** When relays begin where no client comes, in milliseconds. */
const relaysAfterMs = 1000;

/** Tells the relays of a server, by name. */
export type RelaySource = () => Promise<Readonly<Record<string, RelaySettings>>>;

/** What the relays of a server need. */
export interface RelayStartOptions {
  readonly relays?: RelaySource;
  readonly dataDirectory: string;
  readonly database: Database;
  readonly outbox: Outbox;
  readonly closing: Closing;
  readonly clock: Clock;
  readonly log: Log;
}

/** The relays of a server. */
export interface ServerRelays {
  /** Begins them now. Without it they begin by themselves after a second. */
  begin(): void;
  /** Whether one that works here has something to send. */
  readonly isBehind: boolean;
}

/** Call it before adding to `closing` what writes the last completions: closing goes the other way. */
export function relaysOf({ relays, closing, ...parts }: RelayStartOptions): ServerRelays {
  if (relays === undefined) return { begin() {}, isBehind: false };
  const { clock, log, outbox } = parts;
  const opened = new Closing();
  let isBegun = false;
  let beginning = Promise.resolve();
  let keeper: { readonly isBehind: boolean } | undefined;
  const start = async () => {
    const [settings, { startRelays }] = await Promise.all([relays(), import("./relays.js")]);
    const onConfirmed = (completionIds: readonly string[]) => outbox.relayed(completionIds);
    keeper = await startRelays(settings, { ...parts, closing: opened, onConfirmed });
  };
  const begin = () => {
    if (isBegun) return;
    isBegun = true;
    beginning = start().catch((error: unknown) => {
      log.error({ reason: messageOf(error) }, "the relays could not begin");
    });
  };
  const timer = clock.after(relaysAfterMs, begin);
  closing.add(async () => {
    timer.cancel();
    isBegun = true;
    await beginning;
    await opened.close();
  });
  return {
    begin,
    get isBehind() {
      return keeper?.isBehind === true;
    },
  };
}
