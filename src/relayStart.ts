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

/**
 * Returns how relays are begun; they begin by themselves after a second. Add it before what writes the last
 * completions: closing goes the other way.
 */
export function relaysOf({ relays, closing, ...parts }: RelayStartOptions): () => void {
  if (relays === undefined) return () => {};
  const { clock, log, outbox } = parts;
  const opened = new Closing();
  let isBegun = false;
  let beginning = Promise.resolve();
  const begin = async () => {
    const [settings, { startRelays }] = await Promise.all([relays(), import("./relays.js")]);
    const onConfirmed = (completionIds: readonly string[]) => outbox.relayed(completionIds);
    await startRelays(settings, { ...parts, closing: opened, onConfirmed });
  };
  const beginOnce = () => {
    if (isBegun) return;
    isBegun = true;
    beginning = begin().catch((error: unknown) => {
      log.error({ reason: messageOf(error) }, "the relays could not begin");
    });
  };
  const timer = clock.after(relaysAfterMs, beginOnce);
  closing.add(async () => {
    timer.cancel();
    isBegun = true;
    await beginning;
    await opened.close();
  });
  return beginOnce;
}
