// How many turns of a server run at once (protocol.md section 4, Queue): a run without a slot stays
// `accepted`. Clients get slots in turn. The runs of one client get them in their order.
import { Deferred } from "../base/deferred.js";
import { untilAborted } from "../base/untilAborted.js";

/** A run that needs a slot. */
export interface SlotSeeker {
  readonly clientId: string;
  /** Aborted when the run is cancelled; then it needs no slot any more. */
  readonly signal: AbortSignal;
  /** Called once if no slot is free at once. It must not throw. */
  waits(): void;
}

/** How many slots there are; undefined: any number. */
type Most = number | undefined;

interface Waiting {
  readonly seeker: SlotSeeker;
  readonly granted: Deferred<void>;
  state: "new" | "told" | "granted";
}

/** The slots of a server. A sub-task runs in the slot of its run. */
export class RunSlots {
  readonly #most: () => Most | Promise<Most>;
  /** The waiting runs, by client. The client whose turn is next is the first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #taken = 0;

  /**
   * `most` is called each time when a slot is wanted, or given back while somebody waits. It must
   * neither throw nor reject.
   */
  constructor(most: () => Most | Promise<Most>) {
    this.#most = most;
  }

  /**
   * Waits for a slot; returns the function that gives it back, which must be called once. Rejects
   * with the signal's reason if that is aborted first.
   */
  async take(seeker: SlotSeeker): Promise<() => void> {
    seeker.signal.throwIfAborted();
    const waiting: Waiting = { seeker, granted: new Deferred(), state: "new" };
    const others = this.#waiting.get(seeker.clientId);
    if (others === undefined) this.#waiting.set(seeker.clientId, [waiting]);
    else others.push(waiting);
    this.#look();
    try {
      await untilAborted(waiting.granted.promise, seeker.signal);
    } catch (error) {
      if (waiting.state === "granted") this.#giveBack();
      else this.#leave(waiting);
      throw error;
    }
    return () => this.#giveBack();
  }

  #giveBack(): void {
    this.#taken--;
    this.#look();
  }

  #look(): void {
    // What is read for the limit is read only where somebody waits.
    if (this.#waiting.size === 0) return;
    const most = this.#most();
    if (most instanceof Promise) void most.then((told) => this.#grant(told));
    else this.#grant(most);
  }

  #grant(most: Most = Number.POSITIVE_INFINITY): void {
    while (this.#taken < most) {
      const next = this.#next();
      if (next === undefined) return;
      this.#taken++;
      next.state = "granted";
      next.granted.resolve();
    }
    for (const waiting of [...this.#waiting.values()].flat()) {
      if (waiting.state !== "new") continue;
      waiting.state = "told";
      waiting.seeker.waits();
    }
  }

  /** The first run of the client whose turn it is. Then that client becomes the last one. */
  #next(): Waiting | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const [clientId, [next, ...rest]] = first;
    this.#waiting.delete(clientId);
    if (rest.length > 0) this.#waiting.set(clientId, rest);
    return next;
  }

  #leave(waiting: Waiting): void {
    const { clientId } = waiting.seeker;
    const rest = this.#waiting.get(clientId)?.filter((one) => one !== waiting) ?? [];
    if (rest.length > 0) this.#waiting.set(clientId, rest);
    else this.#waiting.delete(clientId);
  }
}
