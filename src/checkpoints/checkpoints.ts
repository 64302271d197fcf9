// The checkpoints of a data directory (protocol.md section 4, Taking back). Keeps the contents that runs
// change, does rewinds, and finishes rewinds that a dead server had begun.
import { join } from "node:path";
import { type BackOff, waitAfter } from "../base/backOff.js";
import type { Timer } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { FileKeeper, KeptRun } from "../base/fileKeeper.js";
import type { CheckpointRow } from "../storage/checkpointRow.js";
import type { CheckpointOptions, CheckpointParts } from "./checkpointParts.js";
import type { AskersEditor } from "./editorView.js";
import { Forking } from "./forking.js";
import { KeptContent } from "./keptContent.js";
import { LateBound } from "./lateBound.js";
import type { RewindRequest, RewindResult } from "./rewind.js";
import type { FileChangeSince } from "./sessionChanges.js";
import type { UndoRequest } from "./undo.js";

const retries: BackOff = { firstMs: 250, mostMs: 10_000 };

/** The checkpoints of a data directory, as one server works with them. */
export class Checkpoints {
  /** Forks sessions. */
  readonly forking: Forking;
  /** Bounds what is kept. */
  readonly bound: LateBound;
  readonly #options: CheckpointOptions;
  readonly #parts: CheckpointParts;
  /** The rewinds that this server is finishing, by the position of their checkpoint. */
  readonly #underWay = new Map<number, Promise<void>>();
  readonly #rewinding = new Set<Promise<unknown>>();
  #onFinished: () => void = () => undefined;
  #failures = 0;
  #retry: Timer | undefined;
  #isClosed = false;

  constructor(options: CheckpointOptions) {
    const { database, store, runs, registry, clock, ids, dataDirectory } = options;
    const serverId = registry.id;
    this.#options = options;
    this.forking = new Forking(options);
    const directory = join(dataDirectory, "kept");
    const content = new KeptContent(directory, ids);
    const { givenUp } = store;
    const mostBytes = () => options.mostKeptBytes();
    this.bound = new LateBound({ directory, givenUp, mostBytes, clock, log: options.log });
    this.#parts = { database, store, runs, serverId, clock, ids, content, working: new Set() };
  }

  /** `listener` is called when a rewind was finished that had been left: its session is free now. */
  onFinished(listener: () => void): void {
    this.#onFinished = listener;
  }

  /** Keeps the contents that a running run changes. Undefined if nothing is kept. */
  keeperOf(run: KeptRun): FileKeeper | undefined {
    const { store, content } = this.#parts;
    const { bound } = this;
    if (!store.isKept) return undefined;
    // The checkpoint is written with the run's first message, and most turns never need it.
    const checkpoint = () => store.ofRun(run.sessionId, run.position)?.position;
    return {
      async keep(change) {
        const position = checkpoint();
        if (position === undefined) return;
        const { RunFileKeeper } = await import("./runFileKeeper.js");
        await new RunFileKeeper({ store, content, bound }, position, run).keep(change);
      },
      async noteCommand() {
        const position = checkpoint();
        if (position !== undefined) await run.store(() => store.noteCommand(position));
      },
    };
  }

  /** Rewinds a session, see `Rewinder.rewind`. */
  rewind(request: RewindRequest): Promise<RewindResult> {
    const rewinding = this.#rewinder()
      .then((rewinder) => rewinder.rewind(request))
      .catch((error: unknown) => {
        // A rewind that is stored and not done is done as soon as possible.
        this.finishOpen();
        throw error;
      });
    this.#rewinding.add(rewinding);
    const forget = () => {
      this.#rewinding.delete(rewinding);
      // What a rewind writes over is kept in any case, so the bound is looked at afterwards.
      if (!request.dryRun) void this.bound.recount();
    };
    rewinding.then(forget, forget);
    return rewinding;
  }

  /**
   * Takes the last runs of a session back, as `/undo` asks; returns what was done, for a person. Where it
   * rejects, nothing of it is under way any more, unless the signal is aborted.
   */
  async undo(asked: UndoRequest): Promise<string> {
    const { undo } = await import("./undo.js");
    asked.signal.throwIfAborted();
    try {
      return await undo(asked, this.#parts.store, (request) => this.rewind(request));
    } catch (error) {
      await this.#finished(asked);
      throw error;
    }
  }

  /** The next turn must not run into a rewind that is still tried again. */
  async #finished({ sessionId, signal }: UndoRequest): Promise<void> {
    const isOpen = () => this.#parts.store.rewinds.serverOf(sessionId) !== undefined;
    while (!this.#isClosed && !signal.aborted && isOpen()) {
      await new Promise<void>((resolve) => this.#options.clock.after(retries.firstMs, resolve));
    }
  }

  /** The changes to files since a checkpoint, see `sessionChanges`. */
  async changes(
    checkpoint: CheckpointRow,
    shown: (path: string) => string,
    editor?: AskersEditor,
  ): Promise<FileChangeSince[]> {
    const { sessionChanges } = await import("./sessionChanges.js");
    return sessionChanges(this.#parts, checkpoint, shown, editor);
  }

  async #rewinder() {
    const { Rewinder } = await import("./rewind.js");
    return new Rewinder(this.#parts);
  }

  /** Deletes the kept contents of a deleted session. */
  forgetSession(sessionId: string): Promise<void> {
    return this.#parts.content.forget(sessionId);
  }

  /** As {@link forgetSession}, in the background, for sessions that age has deleted. Never rejects. */
  async forgetSessions(sessionIds: readonly string[]): Promise<void> {
    for (const sessionId of sessionIds) {
      try {
        await this.forgetSession(sessionId);
      } catch (error) {
        this.#options.log.warn({ sessionId, reason: messageOf(error) }, "what was kept stays");
      }
    }
  }

  /**
   * Finishes rewinds and forks in the background: those that dead servers had begun, and those that this
   * server could not finish. Never throws. If it fails it is tried again.
   */
  finishOpen(): void {
    if (this.#isClosed) return;
    this.forking.finishOpen();
    try {
      for (const { checkpoint, serverId } of this.#parts.store.rewinds.all()) {
        const { position } = checkpoint;
        if (this.#underWay.has(position) || !this.#isOurs(position, serverId)) continue;
        const finished = this.#finish(position).finally(() => this.#underWay.delete(position));
        this.#underWay.set(position, finished);
      }
    } catch (error) {
      this.#tryAgain(error);
    }
  }

  #isOurs(position: number, serverId: string): boolean {
    const { store, database, working } = this.#parts;
    const { registry } = this.#options;
    const own = registry.id;
    if (serverId === own) return !working.has(position);
    if (registry.isAlive(serverId)) return false;
    return database.durable(() => store.rewinds.takeOver(position, serverId, own));
  }

  async #finish(position: number): Promise<void> {
    try {
      const conflicts = await (await this.#rewinder()).finish(position);
      this.#failures = 0;
      for (const { path, reason } of conflicts) {
        this.#options.log.warn({ path, reason }, "a file was left as it is by a finished rewind");
      }
      this.#options.log.info({ rewind: position }, "finished a rewind that was left half done");
      this.#onFinished();
    } catch (error) {
      this.#tryAgain(error);
    }
  }

  #tryAgain(error: unknown): void {
    this.#options.log.error({ reason: messageOf(error) }, "a rewind could not be finished yet");
    this.#retry?.cancel();
    const wait = waitAfter(++this.#failures, retries);
    if (this.#isClosed) return;
    this.#retry = this.#options.clock.after(wait, () => this.finishOpen());
  }

  /** Begins no more work, and waits for the work under way. Work that fails is left to the next server. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.forking.close();
    this.#retry?.cancel();
    await Promise.allSettled([...this.#rewinding, ...this.#underWay.values()]);
    await this.bound.close();
  }
}
