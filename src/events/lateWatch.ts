// Looks for completions that other servers wrote for clients that are connected here (protocol.md
// section 5). So a completion reaches its client wherever the client is connected. If no other
// server has written anything since the last look, a look only compares a number in memory.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { ConnectionStore } from "../storage/connectionStore.js";
import type { Database } from "../storage/database.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import type { Delivery } from "./delivery.js";
import type { IsDue } from "./lateLane.js";
import type { Outbox } from "./outbox.js";

/** The time between two looks, in milliseconds. */
const betweenLooksMs = 1000;
/** How often the runs of dead servers are ended while other servers live, in milliseconds. */
const betweenRecoveriesMs = 5000;
/** How long the other server's client has had to acknowledge, in milliseconds. */
const patienceMs = 30_000;

/** What the watch needs. */
export interface LateWatchOptions {
  readonly database: Pick<Database, "dataVersion">;
  readonly registry: Pick<
    ServerRegistry,
    "id" | "others" | "isAlive" | "isKnown" | "makeKnownAgain"
  >;
  readonly connections: ConnectionStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends what dead servers have left open. */
  recoverDead(): void;
  /**
   * Stops a run of this server that another server has ended. Its completion is announced when it
   * has stopped. False if the run is not open here.
   */
  giveUp(run: number): boolean;
  /** Another server may have written something since the last look. */
  onWritten?(): void;
}

/** The watch over the connections of one server. */
export class LateWatch {
  readonly #options: LateWatchOptions;
  readonly #deliveries = new Set<Delivery>();
  /** Clients whose row is not written or not removed yet, because the disk refused. */
  readonly #unsaved = new Set<string>();
  /** The state of the disk at the last successful look. */
  #seen: number | undefined;
  #hasOthers = false;
  #recoveredAt = Number.NEGATIVE_INFINITY;
  /** Whether completions of other servers may become due with time. */
  #isWaiting = false;
  readonly #ages = new Ages();
  #timer: Timer | undefined;

  constructor(options: LateWatchOptions) {
    this.#options = options;
  }

  /** A connection has given its client's identity. */
  add(delivery: Delivery): void {
    this.#deliveries.add(delivery);
    this.#unsaved.add(delivery.clientId);
    this.#seen = undefined;
    this.#guard("a connection could not be made known yet", () => this.#save());
    this.#timer ??= this.#options.clock.after(betweenLooksMs, () => this.#tick());
  }

  /** A connection is gone: the completions of its client may go to another server's connection. */
  remove(delivery: Delivery): void {
    if (!this.#deliveries.delete(delivery)) return;
    this.#unsaved.add(delivery.clientId);
    this.#guard("the end of a connection could not be made known", () => this.#save());
    if (this.#deliveries.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #guard(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, what);
    }
  }

  #save(): void {
    const { connections, registry, clock } = this.#options;
    const now = clock.now();
    for (const clientId of this.#unsaved) {
      const isHere = [...this.#deliveries].some((one) => one.clientId === clientId);
      if (isHere) connections.add(registry.id, clientId, now);
      else connections.remove(registry.id, clientId, now);
      this.#unsaved.delete(clientId);
    }
  }

  #tick(): void {
    this.#guard("other servers could not be looked at", () => this.#look());
    this.#timer = this.#options.clock.after(betweenLooksMs, () => this.#tick());
  }

  #look(): void {
    const { database, registry, outbox, clock } = this.#options;
    const now = clock.now();
    const version = database.dataVersion;
    const hasChanged = version !== this.#seen;
    if (hasChanged) {
      this.#stayKnown();
      this.#hasOthers = registry.others().length > 0;
      this.#ages.note(now, outbox.end);
    }
    this.#save();
    if (this.#hasOthers) this.#recover(now);
    if (hasChanged) this.#options.onWritten?.();
    if (!hasChanged && !this.#isWaiting) return;
    const isDue = this.#judge(now);
    this.#isWaiting = false;
    for (const delivery of this.#deliveries) {
      const isDueTo = isDue(delivery.clientId);
      if (delivery.lookForLate(isDueTo)) this.#isWaiting = true;
    }
    this.#seen = version;
  }

  /** Another server may have taken this one for dead and removed its row. */
  #stayKnown(): void {
    const { registry, log } = this.#options;
    if (registry.isKnown()) return;
    log.error({}, "another server took this one for dead; it makes itself known again");
    registry.makeKnownAgain();
    for (const { clientId } of this.#deliveries) this.#unsaved.add(clientId);
  }

  #recover(now: number): void {
    if (now - this.#recoveredAt < betweenRecoveriesMs) return;
    this.#recoveredAt = now;
    this.#options.recoverDead();
  }

  /** The completions that are due, found with one look at each server. */
  #judge(now: number): (clientId: string) => IsDue {
    const { registry, connections, giveUp } = this.#options;
    const agedEnd = this.#ages.endBefore(now - patienceMs);
    const schemas = new Map(registry.others().map(({ id, schema }) => [id, schema]));
    const living = new Map<string, boolean>();
    const isAlive = (id: string) => {
      const known = living.get(id) ?? (schemas.has(id) && registry.isAlive(id));
      living.set(id, known);
      return known;
    };
    return (clientId) =>
      ({ sequence, serverId, run }) => {
        if (giveUp(run)) return false;
        if (sequence <= agedEnd || !isAlive(serverId)) return true;
        // An older server does not store its connections.
        if (!connections.isKept || schemas.get(serverId) === undefined) return false;
        return !connections.has(serverId, clientId);
      };
  }
}

/**
 * The highest sequence at certain times. From this the age of a completion is known, without a time
 * in each of them.
 */
class Ages {
  #marks: { readonly at: number; readonly end: number }[] = [];

  note(at: number, end: number): void {
    if (end > (this.#marks.at(-1)?.end ?? -1)) this.#marks.push({ at, end });
  }

  /** Up to this sequence, all completions existed at a time; 0 if that is not known of any. */
  endBefore(time: number): number {
    let found = 0;
    while (this.#marks[0] !== undefined && this.#marks[0].at <= time) {
      found = this.#marks[0].end;
      if (this.#marks[1] === undefined || this.#marks[1].at > time) break;
      this.#marks.shift();
    }
    return found;
  }
}
