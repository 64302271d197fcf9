// Forks sessions (protocol.md section 4, Taking back): copies a session step by step, so that a long one
// holds up nothing, and then adds the copy to the search index. A server that finds a dead server's fork
// deletes what was copied of it, or goes on with the index.
import type { Timer } from "../base/clock.js";
import { DomainError, messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Fork } from "../storage/sessionCopy.js";
import type { OpenFork } from "../storage/sessionFork.js";
import type { CheckpointOptions } from "./checkpointParts.js";

/** After an error. */
const laterMs = 5000;

/** What a client asks for. */
export type ForkRequest = Omit<Fork, "serverId" | "now">;

/** Copies sessions, as one server does it. */
export class Forking {
  readonly #options: Pick<CheckpointOptions, "database" | "store" | "registry" | "clock" | "log">;
  /** The forks that this server is copying, or adding to the search index. */
  readonly #underWay = new Set<string>();
  #onAbandoned: () => void = () => undefined;
  #retry: Timer | undefined;
  #isClosed = false;

  constructor(
    options: Pick<CheckpointOptions, "database" | "store" | "registry" | "clock" | "log">,
  ) {
    this.#options = options;
  }

  /** `listener` is called when the copied part of a fork was given up, and has to be deleted. */
  onAbandoned(listener: () => void): void {
    this.#onAbandoned = listener;
  }

  /**
   * Copies a session. Nobody sees the copy before it is whole; if this rejects, it never is.
   * `goesOn` is called before each step, and may throw to end the work. `finished` is called in the
   * transaction that makes the copy a session, and may write more.
   *
   * @throws DomainError the errors of `SessionCopy`, and `ServerShuttingDown` if the server ends.
   */
  async fork(request: ForkRequest, goesOn: () => void, finished?: () => void): Promise<void> {
    const { registry, clock, database } = this.#options;
    const fork = { ...request, serverId: registry.id, now: clock.now() };
    const { newId } = fork;
    // Few servers ever fork, so what copies is loaded with the first fork.
    const { SessionCopy } = await import("../storage/sessionCopy.js");
    this.#refuseIfClosed();
    const copies = new SessionCopy(database);
    let done = copies.begin(fork);
    this.#underWay.add(newId);
    try {
      while (!done.isComplete) {
        goesOn();
        this.#refuseIfClosed();
        done = copies.copy(fork, done);
        faultPoint("forkCopied");
        if (!done.isComplete) await this.#pause();
      }
      copies.finish(fork, done, finished);
    } catch (error) {
      this.#underWay.delete(newId);
      this.finishOpen();
      throw error;
    }
    faultPoint("forked");
    this.#index(newId);
  }

  #refuseIfClosed(): void {
    if (this.#isClosed) throw new DomainError("ServerShuttingDown", "The server ends.");
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.soon(resolve));
  }

  /** Adds a fork's messages to the search index, some at a time. */
  #index(newId: string): void {
    const { store, clock } = this.#options;
    clock.soon(() => {
      if (this.#isClosed) return;
      try {
        if (store.forks.index(newId)) this.#index(newId);
        else this.#underWay.delete(newId);
      } catch (error) {
        this.#underWay.delete(newId);
        this.#tryAgain(error);
      }
    });
  }

  /**
   * Gives up forks that were not finished, and goes on with the index of those that were: the forks of
   * dead servers, and those of this one that failed. Never throws. If it fails it is tried again.
   */
  finishOpen(): void {
    if (this.#isClosed) return;
    const { store, registry } = this.#options;
    try {
      for (const fork of store.forks.all()) {
        const isOurs = fork.serverId === registry.id;
        if (this.#underWay.has(fork.sessionId)) continue;
        if (isOurs || !registry.isAlive(fork.serverId)) this.#finish(fork);
      }
    } catch (error) {
      this.#tryAgain(error);
    }
  }

  #finish({ sessionId, serverId, isCopying }: OpenFork): void {
    if (!isCopying) {
      this.#underWay.add(sessionId);
      this.#index(sessionId);
    } else if (this.#options.store.forks.abandon(sessionId, serverId)) {
      this.#onAbandoned();
    }
  }

  #tryAgain(error: unknown): void {
    const { clock, log } = this.#options;
    log.warn({ reason: messageOf(error) }, "what is left of a fork is done later");
    this.#retry?.cancel();
    if (!this.#isClosed) this.#retry = clock.after(laterMs, () => this.finishOpen());
  }

  /** Begins no further step. The next server deletes what was copied of a fork. */
  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
  }
}
