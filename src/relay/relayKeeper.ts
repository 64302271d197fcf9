// Keeps the relays of a server (docs/fleet.md): each works in one process at a time, and where that ends,
// another one goes on with it.
import type { Clock, Timer } from "../base/clock.js";
import { sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { RelaySettings } from "../config/relaySettings.js";
import type { Outbox } from "../events/outbox.js";
import { type RelayLock, takeRelayLock } from "../storage/relayLock.js";
import type { RelayStore } from "../storage/relayStore.js";
import { openSink } from "./openSink.js";
import { Relay } from "./relay.js";
import type { RelayIdentity } from "./relayedEvent.js";
import { placeOf } from "./relayPlace.js";

/** How often a relay that another process has is tried, in milliseconds. */
const betweenTriesMs = 5000;
/** How long the end of a server gives its relays to send the last completions, in milliseconds. */
const lastMs = 2000;

/** What relays work with. */
export interface RelayKeeperOptions {
  readonly dataDirectory: string;
  readonly identity: RelayIdentity;
  readonly outbox: Pick<Outbox, "following" | "onAppended">;
  readonly store: RelayStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Completions were confirmed. */
  onConfirmed(completionIds: readonly string[]): void;
}

/** The relays of one server. */
export class RelayKeeper {
  readonly #options: RelayKeeperOptions;
  readonly #kept: KeptRelay[];
  readonly #stopListening: () => void;

  constructor(relays: Readonly<Record<string, RelaySettings>>, options: RelayKeeperOptions) {
    this.#options = options;
    this.#kept = Object.entries(relays).map(
      ([name, settings]) => new KeptRelay(name, settings, options),
    );
    this.#stopListening = options.outbox.onAppended(() => {
      for (const relay of this.#kept) relay.wake();
    });
    for (const relay of this.#kept) relay.start();
  }

  /** Whether a relay that works here has something to send. */
  get isBehind(): boolean {
    return this.#kept.some((relay) => relay.isBehind);
  }

  /** Ends all relays: one that gets on has two seconds for what is left. */
  async close(): Promise<void> {
    this.#stopListening();
    const patience = sleep(this.#options.clock, lastMs);
    await Promise.all(this.#kept.map((relay) => relay.close(patience)));
  }
}

/** One relay, here or in another process. */
class KeptRelay {
  readonly #name: string;
  readonly #settings: RelaySettings;
  readonly #options: RelayKeeperOptions;
  #lock: RelayLock | undefined;
  #relay: Relay | undefined;
  #timer: Timer | undefined;
  #isClosed = false;
  #hasTold = false;
  #trying: Promise<void> | undefined;

  constructor(name: string, settings: RelaySettings, options: RelayKeeperOptions) {
    this.#name = name;
    this.#settings = settings;
    this.#options = options;
  }

  start(): void {
    this.#trying = this.#try().catch((error: unknown) => {
      this.#options.log.warn(
        { relay: this.#name, reason: messageOf(error) },
        "a relay could not begin; it is tried again",
      );
      this.#lock?.release();
      this.#lock = undefined;
      this.#again();
    });
  }

  wake(): void {
    this.#relay?.wake();
  }

  get isBehind(): boolean {
    return this.#relay?.isBehind === true;
  }

  async #try(): Promise<void> {
    const { dataDirectory, log, clock, onConfirmed, ...rest } = this.#options;
    this.#lock = takeRelayLock(dataDirectory, this.#name);
    if (this.#lock === undefined) {
      if (!this.#hasTold) log.info({ relay: this.#name }, "another process has this relay");
      this.#hasTold = true;
      this.#again();
      return;
    }
    const sink = await openSink(this.#settings, clock);
    if (this.#isClosed) {
      await sink.close();
      return;
    }
    const relay = new Relay({
      ...rest,
      name: this.#name,
      sink,
      clock,
      log,
      onConfirmed: (completionIds) => onConfirmed(completionIds),
    });
    this.#tellPlace();
    relay.start();
    this.#relay = relay;
    log.info({ relay: this.#name, type: this.#settings.type }, "a relay works here");
  }

  #tellPlace(): void {
    const { store, clock, log } = this.#options;
    const place = placeOf(this.#settings);
    const before = store.settlePlace(this.#name, place, clock.now());
    if (before === undefined) return;
    log.warn(
      { relay: this.#name, before: before.shown, now: place.shown },
      `the place of a relay has changed: the new one gets only what comes from now on, until \`turnwire relay forget ${this.#name}\``,
    );
  }

  #again(): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.after(betweenTriesMs, () => this.start());
  }

  /** A relay that is only just beginning has what a server of a few moments has to send: it may. */
  async close(patience: Promise<void>): Promise<void> {
    await Promise.race([this.#trying, patience]);
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#relay?.close(patience);
    this.#lock?.release();
  }
}
