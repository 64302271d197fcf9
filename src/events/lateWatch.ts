// Looks for what other servers wrote for the clients that are connected here (protocol.md section 5):
// a completion finds its client wherever it is. Where no other server has written anything since the
// last look, a look is one number that lies in memory.
import type { Clock, Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { ConnectionStore } from "../storage/connectionStore.js";
import type { Database } from "../storage/database.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import type { Delivery } from "./delivery.js";
import type { IsDue } from "./lateLane.js";
import type { Outbox } from "./outbox.js";

/** How often is looked, in milliseconds. */
const betweenLooksMs = 1000;
/** How often dead servers are tidied up after while others live, in milliseconds. */
const betweenRecoveriesMs = 5000;
/** Another server's client has had so long to acknowledge, in milliseconds. */
const patienceMs = 30_000;

/** What the watch is built from. */
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
   * Stops a run that another server has ended, where it is open here; its completion is announced when
   * it has stopped. False where it is not open here.
   */
  giveUp(run: number): boolean;
}

/** The watch over the connections of one server. */
export class LateWatch {
  readonly #options: LateWatchOptions;
  readonly #deliveries = new Set<Delivery>();
  /** Clients that the table does not name yet, or names still, since the disk refused. */
  readonly #unsaved = new Set<string>();
  /** How the disk was at the last look that went well. */
  #seen: number | undefined;
  #hasOthers = false;
  #recoveredAt = Number.NEGATIVE_INFINITY;
  /** Whether something of others' may become due with time. */
  #isWaiting = false;
  readonly #ages = new Ages();
  #timer: Timer | undefined;

  constructor(options: LateWatchOptions) {
    this.#options = options;
  }

  /** A connection has told whose it is. */
  add(delivery: Delivery): void {
    this.#deliveries.add(delivery);
    this.#unsaved.add(delivery.clientId);
    this.#seen = undefined;
    this.#guard("a connection could not be made known yet", () => this.#save());
    this.#timer ??= this.#options.clock.after(betweenLooksMs, () => this.#tick());
  }

  /** A connection is gone: what is due to its client may go to another server's. */
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
    const { connections, registry } = this.#options;
    for (const clientId of this.#unsaved) {
      const isHere = [...this.#deliveries].some((one) => one.clientId === clientId);
      if (isHere) connections.add(registry.id, clientId);
      else connections.remove(registry.id, clientId);
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
    if (!hasChanged && !this.#isWaiting) return;
    const isDue = this.#judge(now);
    this.#isWaiting = false;
    for (const delivery of this.#deliveries) {
      const isDueTo = isDue(delivery.clientId);
      if (delivery.lookForLate(isDueTo)) this.#isWaiting = true;
    }
    this.#seen = version;
  }

  /** Another server may have taken this one for dead, and its entry out. */
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

  /** What is due, by one look at each server. */
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
        // An older server says nothing of its connections.
        if (!connections.isKept || schemas.get(serverId) === undefined) return false;
        return !connections.has(serverId, clientId);
      };
  }
}

/** How far the completions had come, and when: so their ages are told without a time in each. */
class Ages {
  #marks: { readonly at: number; readonly end: number }[] = [];

  note(at: number, end: number): void {
    if (end > (this.#marks.at(-1)?.end ?? -1)) this.#marks.push({ at, end });
  }

  /** Up to this sequence all were there at a time; 0 where none is known to have been. */
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
