// A relay over a real file and a real place, in real time.
import { systemClock } from "../../src/base/clock.js";
import type { RelaySettings } from "../../src/config/relaySettings.js";
import { openSink } from "../../src/relay/openSink.js";
import { Relay } from "../../src/relay/relay.js";
import type { RelayIdentity } from "../../src/relay/relayedEvent.js";
import type { Sink } from "../../src/relay/sink.js";
import { RelayStore } from "../../src/storage/relayStore.js";
import { OutboxHouse, temporaryFolder } from "./outboxHouse.js";
import { recordingLog } from "./recordingLog.js";
import { CountingIds, VirtualScheduler } from "./virtualScheduler.js";

let houses = 0;

/** One data directory with one relay. */
export class RelayHouse {
  readonly #folder = temporaryFolder();
  readonly house: OutboxHouse;
  readonly store: RelayStore;
  readonly log = recordingLog();
  readonly identity: RelayIdentity;
  #relay: Relay | undefined;
  #count = 0;

  constructor(machineId = "machine") {
    const clock = new VirtualScheduler();
    // Ids that no other one has.
    const ids = new CountingIds(++houses * 1_000_000);
    this.house = new OutboxHouse(this.#folder.path, { clock, ids });
    this.store = new RelayStore(this.house.database);
    this.identity = { machineId, epoch: "epoch" };
  }

  /** Completions of new runs; returns their ids, in order. */
  append(count: number, text?: string): string[] {
    return Array.from({ length: count }, () =>
      this.house.append(`${this.identity.machineId}-${++this.#count}`, "client", "s", text),
    );
  }

  /** `sink` takes them instead of the one of the settings. */
  async begin(settings: RelaySettings, sink?: Sink): Promise<Relay> {
    const relay = new Relay({
      name: "relay",
      sink: sink ?? (await openSink(settings, systemClock)),
      identity: this.identity,
      outbox: this.house.outbox,
      store: this.store,
      clock: systemClock,
      log: this.log.log,
    });
    relay.start();
    this.#relay = relay;
    return relay;
  }

  /** Where the relay stands. */
  get row() {
    const row = this.store.find("relay");
    if (row === undefined) throw new Error("the relay is not registered");
    return row;
  }

  /** Resolves once the relay stands so. */
  async until(condition: (row: RelayHouse["row"]) => boolean, seconds = 60): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!condition(this.row)) {
      if (Date.now() > deadline) throw new Error(`it stands at ${JSON.stringify(this.row)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async end(): Promise<void> {
    await this.#relay?.close(Promise.resolve());
    this.#relay = undefined;
  }

  async close(): Promise<void> {
    await this.end();
    this.house.close();
    this.#folder.remove();
  }
}
