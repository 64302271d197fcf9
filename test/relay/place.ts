// A place of a relay that answers what a test says, and the relay beside it, on a real file.
import { afterEach, beforeEach } from "vitest";
import { Relay } from "../../src/relay/relay.js";
import type { RelayedEvent } from "../../src/relay/relayedEvent.js";
import type { Delivered, Refusal, Sink } from "../../src/relay/sink.js";
import { RelayStore } from "../../src/storage/relayStore.js";
import { OutboxHouse, temporaryFolder } from "../helpers/outboxHouse.js";
import { recordingLog } from "../helpers/recordingLog.js";

/** The data directory of the present test. */
export let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** Takes everything, unless it is told something else. */
export class Place implements Sink {
  batch = 100;
  readonly rounds: RelayedEvent[][] = [];
  answer: (events: readonly RelayedEvent[]) => Promise<Delivered> | Delivered = (events) => ({
    confirmed: events.length,
  });

  async deliver(events: readonly RelayedEvent[]): Promise<Delivered> {
    this.rounds.push([...events]);
    return this.answer(events);
  }

  refuse(refusal: Refusal, confirmed = 0): void {
    this.answer = () => ({ confirmed, refusal });
  }

  get runs(): (string | undefined)[] {
    return this.rounds.flat().map(({ completion }) => completion.runId);
  }

  async close(): Promise<void> {}
}

/** Starts a relay of the present data directory. */
export function openRelay(place: Place, name = "place") {
  const house = new OutboxHouse(folder.path);
  const store = new RelayStore(house.database);
  const log = recordingLog();
  const confirmed: string[] = [];
  const { clock, outbox } = house;
  const identity = { machineId: "m", epoch: "e" };
  const relay = new Relay({
    name,
    sink: place,
    store,
    clock,
    outbox,
    identity,
    log: log.log,
    onConfirmed: (ids) => confirmed.push(...ids),
  });
  relay.start();
  return { house, store, relay, log, clock, confirmed };
}
