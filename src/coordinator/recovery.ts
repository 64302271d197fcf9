// Handles what a dead server left behind (protocol.md sections 5 and 9). Each open run gets one
// `interrupted` completion, and half-written messages become a valid history for a model. Entries
// of a paused queue stay, for the next server that changes that queue.

import { type Clock, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { faultPoint } from "../base/faultPoint.js";
import { isHeldElsewhere } from "../base/heldDatabase.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { CompletionContent, Outbox } from "../events/outbox.js";
import type { Database } from "../storage/database.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { QueueStore } from "../storage/queueStore.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import type { SessionStore } from "../storage/sessionStore.js";
import { joinedCompletion, type TurnCompletion } from "./joinedCompletion.js";
import { interruptedText, type Repaired, repairMessages } from "./messageRepair.js";
import { runStanding } from "./runStanding.js";

const damagedText = `${interruptedText} What is stored of it is damaged and cannot all be read.`;

/** What recovery needs. */
export interface RecoveryOptions {
  readonly database: Database;
  readonly registry: ServerRegistry;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly queues: QueueStore;
  readonly messages: MessageStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** Ends the open runs of servers that died. */
export class Recovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /**
   * Ends the open runs of every dead server, in the order of each session's queue. Entries of a
   * paused queue are kept, and living servers are not touched. Inside a transaction, it becomes
   * part of that transaction.
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
    const { database, registry, runs, queues, log } = this.#options;
    const { kept, ended } = database.joinDurable(() => {
      // Read inside the transaction: another server may have ended them already.
      const open = dead.flatMap((id) => runs.openOf(id)).sort((a, b) => a.place - b.place);
      const isKept = (run: RunRow) =>
        run.state === "queued" && queues.isKept(run.sessionId, run.position);
      const [keeping, ending] = [open.filter(isKept), open.filter((run) => !isKept(run))];
      queues.release(keeping.map(({ position }) => position));
      const turns = new Set(ending.map(({ position }) => position));
      const hasTurn = ({ joinedTo }: RunRow) => joinedTo !== undefined && turns.has(joinedTo);
      for (const run of ending.filter((one) => !hasTurn(one))) {
        const turn = this.#interrupt(run);
        const joined = ending.filter(({ joinedTo }) => joinedTo === run.position);
        for (const one of joined.sort((a, b) => a.position - b.position)) {
          this.#interrupt(one, turn);
        }
      }
      for (const id of dead) registry.remove(id);
      faultPoint("recovering");
      return { kept: keeping.length, ended: ending.length };
    });
    faultPoint("recovered");
    if (ended > 0) log.info({ runs: ended }, "ended what a dead server had left open");
    if (kept > 0) log.info({ runs: kept }, "kept what a dead server had in paused queues");
  }

  /**
   * Ends one run, or one that has joined `turn`. If the file is damaged there, as much as possible is
   * kept. Returns its completion, if it has one.
   */
  #interrupt(run: RunRow, turn?: TurnCompletion): TurnCompletion | undefined {
    const { database, log } = this.#options;
    const { position, runId } = run;
    return database.attempt(
      `repair ${position}`,
      () => this.#end(run, this.#repair(run), turn),
      () =>
        database.attempt(
          `end ${position}`,
          () => this.#end(run, { isDamaged: true }, turn),
          (reason) => {
            log.error({ run: position, runId, reason }, "a damaged database keeps a run open");
            return undefined;
          },
        ),
    );
  }

  #end(
    run: RunRow,
    repaired: Repaired,
    turn: TurnCompletion | undefined,
  ): TurnCompletion | undefined {
    const { runs, queues, outbox } = this.#options;
    runs.setState(run.position, "completed");
    queues.forget(run.position);
    const needsCompletion = run.runId !== undefined || (run.hasBegun && run.kind === "prompt");
    if (!needsCompletion) return undefined;
    const content = turn === undefined ? this.#content(run, repaired) : joinedCompletion(turn);
    return { completionId: outbox.append(run, content), runId: run.runId, content };
  }

  #content(run: RunRow, { reply, isDamaged }: Repaired): CompletionContent {
    const { runs, clock } = this.#options;
    return {
      ...defined({ messageId: reply?.id }),
      text: reply?.text ?? "",
      status: "interrupted",
      cancelled: false,
      error: isDamaged ? damagedText : interruptedText,
      errorName: isDamaged ? "StorageDamaged" : "Interrupted",
      cause: "crash",
      foldedPrompts: runs.foldedInto(run.position),
      ...defined({
        neverRan: run.hasBegun ? undefined : (true as const),
        usage: runs.usage(run.position),
      }),
      ...runStanding(this.#options, run),
      completedAt: toRfc3339(clock.now()),
    };
  }

  /** Repairs the messages of a run and its sub-tasks; returns the run's own reply. */
  #repair({ sessionId, position }: RunRow): Repaired {
    const { messages } = this.#options;
    const own = repairMessages(this.#options, sessionId, position);
    let { isDamaged } = own;
    for (const id of messages.subTaskSessions(sessionId, position)) {
      if (repairMessages(this.#options, id, position).isDamaged) isDamaged = true;
    }
    return { ...own, isDamaged };
  }
}
