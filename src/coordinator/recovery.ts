// Handles what a dead server left behind (protocol.md sections 4, 5 and 9). A run that goes on after a
// loss waits for the next server, and so do the entries of a paused queue. Every other open run gets one
// `interrupted` completion.

import { builtInCommandIn } from "../base/builtInCommand.js";
import { faultPoint } from "../base/faultPoint.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { RunRow } from "../storage/runStore.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import { interrupted, type LeftEnd, LeftRuns, type LeftRunsOptions } from "./leftRuns.js";

/** What recovery needs. */
export interface RecoveryOptions extends LeftRunsOptions {
  readonly registry: ServerRegistry;
  /** Called when runs wait for a server from now on. Must not throw. */
  onWaiting?(): void;
}

/** Takes care of the open runs of servers that died. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #left: LeftRuns;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#left = new LeftRuns(options);
  }

  /**
   * Ends the open runs of every dead server, in the order of each session's queue. Those that go on
   * wait from now on. Entries of a paused queue are kept, and living servers are not touched. Inside a
   * transaction, it becomes part of that transaction.
   */
  recoverDead(): void {
    this.#recover(this.#options.registry.dead());
  }

  /**
   * Like {@link recoverDead} for one server; false if it lives, and if another program holds the
   * database: until then, the runs of the dead server count as open.
   */
  recoverIfDead(serverId: string): boolean {
    if (this.#options.registry.isAlive(serverId)) return false;
    try {
      this.#recover([serverId]);
      return true;
    } catch (error) {
      if (!isHeldElsewhere(error)) throw error;
      return false;
    }
  }

  #recover(dead: readonly string[]): void {
    if (dead.length === 0) return;
    const { database, registry, runs, goingOn, clock, log, onWaiting } = this.#options;
    const { kept, ended } = database.joinDurable(() => {
      // Read inside the transaction: another server may have ended them already.
      const open = dead.flatMap((id) => runs.openOf(id)).sort((a, b) => a.place - b.place);
      const keeping = this.#keptOf(open);
      const isKept = new Set(keeping.map(({ position }) => position));
      const ending = open.filter(({ position }) => !isKept.has(position));
      const livedAt = new Map(dead.map((id) => [id, registry.lastLived(id, clock.now())]));
      for (const [id, at] of livedAt) registry.forgetConnections(id, at);
      // They wait since their server died, which may be long ago.
      for (const [id, at] of livedAt) {
        const left = keeping.filter(({ serverId }) => serverId === id);
        goingOn.release(left, at);
      }
      this.#left.end(ending, (run) => this.#endOf(run));
      for (const id of dead) registry.remove(id);
      faultPoint("recovering");
      return { kept: keeping.length, ended: ending.length };
    });
    faultPoint("recovered");
    if (ended > 0) log.info({ runs: ended }, "ended what a dead server had left open");
    if (kept === 0) return;
    log.info({ runs: kept }, "kept what a dead server had in paused queues, or what goes on");
    onWaiting?.();
  }

  /** The runs that wait for the next server, with those that have joined their turns. */
  #keptOf(open: readonly RunRow[]): readonly RunRow[] {
    const { queues } = this.#options;
    const isKept = (run: RunRow) =>
      this.#goesOn(run) || (run.state === "queued" && queues.isKept(run.sessionId, run.position));
    const turns = new Set(open.filter(isKept).map(({ position }) => position));
    return open.filter((run) =>
      run.joinedTo === undefined ? turns.has(run.position) : turns.has(run.joinedTo),
    );
  }

  #goesOn(run: RunRow): boolean {
    if (!run.goesOn || this.#cancelOf(run) !== undefined) return false;
    // A rewind is finished by whoever opens the directory next, and must not be made twice.
    const text = this.#options.queues.text(run.position) ?? "";
    return !run.hasBegun || builtInCommandIn(text) !== "undo";
  }

  #cancelOf({ position }: RunRow): RunCause | undefined {
    return this.#options.goingOn.of(position)?.cancelledBy as RunCause | undefined;
  }

  /** Somebody may have cancelled a run, and its server died before that was over. */
  #endOf(run: RunRow): LeftEnd {
    const cause = run.goesOn ? this.#cancelOf(run) : undefined;
    return cause === undefined ? interrupted : { status: "cancelled", cause };
  }
}
