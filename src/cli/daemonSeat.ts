// What a daemon has in its data directory: the lock, the socket and the note (protocol.md section 2, The
// daemon). As long as it has the lock, it alone changes the other two.
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { DaemonLock } from "../storage/daemonLock.js";
import type { FileOwner, LocalListener, listenLocally } from "../transport/localSocket.js";
import type { DaemonPlace } from "./daemonPlace.js";

/** What the seat needs. */
export interface DaemonSeatOptions {
  readonly place: DaemonPlace;
  /** Held; it is released when the daemon makes room. */
  readonly lock: DaemonLock;
  readonly listen: typeof listenLocally;
  readonly io: FileOwner & {
    readonly clock: Clock;
    readonly version: string;
    readonly processId: number;
  };
  readonly log: Log;
  /** Takes a client. */
  accept(socket: Socket): void;
}

/** The seat of one daemon. */
export class DaemonSeat {
  readonly #options: DaemonSeatOptions;
  #listener: LocalListener | undefined;
  #address = "";
  #hasMadeRoom = false;
  #room: Promise<void> | undefined;
  /** What is being changed: the next daemon must not come before it is done. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Why it could not come back to its place. It is told once. */
  #toldReason: string | undefined;

  constructor(options: DaemonSeatOptions) {
    this.#options = options;
  }

  get dataDirectory(): string {
    return this.#options.place.dataDirectory;
  }

  /** Where it listens. */
  get address(): string {
    return this.#address;
  }

  /** Whether the data directory was deleted or replaced. */
  get isLost(): boolean {
    return !this.#options.lock.isInPlace;
  }

  /** Listens, and notes where. Rejects where that is not possible. */
  take(): Promise<void> {
    return this.#change(this.#listen());
  }

  /**
   * Listens anew if something has removed the socket, and notes anew where if the note was removed or is
   * another one's; tried again by the next call. Never rejects.
   */
  async keep(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    const what = listener.isInPlace ? "note" : "socket";
    if (what === "note" && this.#isNoted) return;
    const isBack = await (what === "note" ? this.#noteAnew() : this.#listenAnew(listener));
    if (isBack)
      this.#options.log.warn({ address: this.#address }, `the ${what} was gone; it is back`);
  }

  get #isNoted(): boolean {
    const { note } = this.#options.place;
    return note?.address === this.#address && note.pid === this.#options.io.processId;
  }

  /** False where that is not possible now. Never rejects. */
  async #noteAnew(): Promise<boolean> {
    try {
      await this.#note("serving");
      return true;
    } catch (error) {
      this.#tellOnce(messageOf(error), "the daemon could not note where it listens");
      return false;
    }
  }

  /** Notes that another daemon is about to come: clients wait for it. Rejects if that cannot be written. */
  async announce(): Promise<void> {
    await this.#note("leaving");
  }

  /** From now on no client can connect, and once it resolves another daemon can take the place. */
  makeRoom(): Promise<void> {
    this.#hasMadeRoom = true;
    this.#room ??= this.#leavePlace();
    return this.#room;
  }

  /**
   * Lets nobody in any more, unless the daemon is needed for those who were on their way: then it listens
   * again. Clients that come meanwhile find the lock held, and wait. Tells whether it has left.
   */
  async leaveUnless(isNeeded: () => boolean): Promise<boolean> {
    return this.#change(this.#leaveUnless(isNeeded));
  }

  async #listen(): Promise<void> {
    const { place, listen, io, accept } = this.#options;
    this.#address = place.newAddress();
    const listener = await listen(this.#address, io, accept);
    if (this.#hasMadeRoom) return listener.close();
    this.#listener = listener;
    await this.#note("serving");
  }

  /** False where that is not possible now. Never rejects. */
  async #listenAnew(gone: LocalListener): Promise<boolean> {
    if (this.#hasMadeRoom) return false;
    try {
      gone.close();
      await this.take();
      return true;
    } catch (error) {
      this.#tellOnce(messageOf(error), "the daemon could not listen");
      return false;
    }
  }

  #tellOnce(reason: string, what: string): void {
    if (reason !== this.#toldReason) this.#options.log.error({ reason }, what);
    this.#toldReason = reason;
  }

  async #leaveUnless(isNeeded: () => boolean): Promise<boolean> {
    const listener = this.#listener;
    // Nothing listens anew meanwhile.
    this.#listener = undefined;
    await listener?.leave(this.#options.io.clock);
    if (this.#hasMadeRoom || !isNeeded()) return true;
    this.#listener = listener;
    if (listener !== undefined) await this.#listenAnew(listener);
    return false;
  }

  async #leavePlace(): Promise<void> {
    await this.#changes;
    const { place, lock, io } = this.#options;
    const listener = this.#listener;
    this.#listener = undefined;
    await listener?.leave(io.clock);
    // In the place of a data directory that was replaced, the note is another daemon's.
    const isOwn = lock.isInPlace && place.note?.state === "serving";
    if (isOwn) place.forget();
    lock.release();
  }

  /** Nothing is noted of a daemon that has made room: the note may be the next one's by then. */
  async #note(state: "serving" | "leaving"): Promise<void> {
    if (this.#hasMadeRoom) return;
    const { version, processId: pid, clock } = this.#options.io;
    const note = { address: this.#address, pid, version, state, at: clock.now() };
    await this.#change(this.#options.place.write(note));
  }

  #change<T>(change: Promise<T>): Promise<T> {
    this.#changes = Promise.allSettled([this.#changes, change]);
    return change;
  }
}
