import type { ClientLoad } from "../base/clientLoad.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { LossyEvent } from "../protocol/registry.js";
import { Delivery } from "./delivery.js";
import type { Outbox } from "./outbox.js";
import type { Sender } from "./sender.js";

/** Is told of connections whose client is known. */
export interface ConnectionWatch {
  add(delivery: Delivery): void;
  remove(delivery: Delivery): void;
}

/** All connections of this server, and what each of them is told (protocol.md sections 5 and 6). */
export class Broadcaster {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #log: Log;
  readonly #watch: ConnectionWatch | undefined;
  readonly #deliveries = new Set<Delivery>();
  readonly #stopListening: () => void;

  /** `watch` is told of every connection whose client has given its identity. */
  constructor(outbox: Outbox, clock: Clock, ids: Ids, log: Log, watch?: ConnectionWatch) {
    this.#watch = watch;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#ids = ids;
    this.#log = log;
    this.#stopListening = outbox.onAppended((appended) => {
      for (const delivery of this.#deliveries) delivery.announce(appended);
    });
  }

  /**
   * Adds a connection. `wants` tells which events it gets; without it, all of them. The caller closes
   * the returned delivery when the connection ends.
   */
  connect(sender: Sender, wants?: (event: LossyEvent) => boolean): Delivery {
    const delivery = new Delivery({
      outbox: this.#outbox,
      sender,
      clock: this.#clock,
      log: this.#log,
      clientId: this.#ids.next("cli"),
      ...defined({ wants }),
      onIdentified: (identified) => this.#watch?.add(identified),
    });
    this.#deliveries.add(delivery);
    return delivery;
  }

  /**
   * The client has gone, but its turns may go on. Events are still written, for a reader that reads
   * the pipe to its end. Completions are sent to the client wherever it connects again.
   */
  leave(delivery: Delivery): void {
    this.#watch?.remove(delivery);
  }

  /** Removes a connection. */
  disconnect(delivery: Delivery): void {
    this.leave(delivery);
    this.#deliveries.delete(delivery);
    delivery.close();
  }

  /**
   * Sends an event that may be lost. Never waits, and never throws for a connection that is gone.
   */
  emit(event: LossyEvent): void {
    for (const delivery of this.#deliveries) delivery.offer(event);
  }

  /** Sends a completion once more to the connections of its client; returns how many there are. */
  again(clientId: string, sequence: number): number {
    const meant = [...this.#deliveries].filter((delivery) => delivery.clientId === clientId);
    for (const delivery of meant) delivery.again(sequence);
    return meant.length;
  }

  /** What waits for each connection at this moment. */
  get loads(): ClientLoad[] {
    return [...this.#deliveries].map(({ load }) => load);
  }

  /** Resolves once every connection has got everything that waits for it, or is closed. */
  async drained(): Promise<void> {
    await Promise.all([...this.#deliveries].map((delivery) => delivery.drained()));
  }

  /** Closes every connection's pump. */
  close(): void {
    this.#stopListening();
    for (const delivery of this.#deliveries) this.disconnect(delivery);
  }
}
