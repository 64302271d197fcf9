// Ends runs that no server works on: their own has died, or they wait for one (protocol.md sections 4
// and 5). Each gets one completion, and half-written messages become a valid history for a model.
import { type Clock, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { RunErrorName } from "../base/runErrors.js";
import { telemetry } from "../base/telemetry.js";
import type { CompletionContent, Outbox } from "../events/outbox.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Database } from "../storage/database.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { QueueStore } from "../storage/queueStore.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import type { SessionStore } from "../storage/sessionStore.js";
import { joinedCompletion, type TurnCompletion } from "./joinedCompletion.js";
import { interruptedText, type Repaired, repairMessages } from "./messageRepair.js";
import { runStanding } from "./runStanding.js";

const damagedText = `${interruptedText} What is stored of it is damaged and cannot all be read.`;

/** What is needed to end a run that was left. */
export interface LeftRunsOptions {
  readonly database: Database;
  readonly runs: RunStore;
  readonly sessions: SessionStore;
  readonly queues: QueueStore;
  readonly goingOn: GoingOnStore;
  readonly messages: MessageStore;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** How a run ends that was left. */
export interface LeftEnd {
  readonly status: "interrupted" | "cancelled";
  readonly cause: RunCause;
  readonly error?: string;
  readonly errorName?: RunErrorName;
  /** Reading its messages may be what has killed servers, so they are left as they are. */
  readonly isFromRowAlone?: true;
}

/** Its server died. */
export const interrupted: LeftEnd = {
  status: "interrupted",
  cause: "crash",
  error: interruptedText,
  errorName: "Interrupted",
};

/** Ends runs that were left. */
export class LeftRuns {
  readonly #options: LeftRunsOptions;

  constructor(options: LeftRunsOptions) {
    this.#options = options;
  }

  /**
   * Ends runs in their order, each right before those that have joined its turn. Call it in a durable
   * transaction.
   */
  end(left: readonly RunRow[], how: LeftEnd | ((run: RunRow) => LeftEnd)): void {
    const howOf = typeof how === "function" ? how : () => how;
    const turns = new Set(left.map(({ position }) => position));
    const hasTurn = ({ joinedTo }: RunRow) => joinedTo !== undefined && turns.has(joinedTo);
    for (const run of left.filter((one) => !hasTurn(one))) {
      const turn = this.#endOne(run, howOf(run));
      const joined = left.filter(({ joinedTo }) => joinedTo === run.position);
      for (const one of joined.sort((a, b) => a.position - b.position)) {
        this.#endOne(one, howOf(run), turn);
      }
    }
  }

  /**
   * Ends one run, or one that has joined `turn`. If the file is damaged there, as much as possible is
   * kept. Returns its completion, if it has one.
   */
  #endOne(run: RunRow, how: LeftEnd, turn?: TurnCompletion): TurnCompletion | undefined {
    const { database, log } = this.#options;
    const { position, runId, workspaceId, sessionId } = run;
    return database.attempt(
      `repair ${position}`,
      () => this.#write(run, how, this.#repair(run, how), turn),
      () =>
        database.attempt(
          `end ${position}`,
          () => this.#write(run, how, { isDamaged: true }, turn),
          (reason) => {
            log.error(
              { run: position, workspaceId, sessionId, runId, reason },
              "a damaged database keeps a run open",
            );
            return undefined;
          },
        ),
    );
  }

  #write(
    run: RunRow,
    how: LeftEnd,
    repaired: Repaired,
    turn: TurnCompletion | undefined,
  ): TurnCompletion | undefined {
    const { database, runs, queues, goingOn, outbox } = this.#options;
    runs.setState(run.position, "completed");
    database.afterCommit(() => telemetry()?.interrupted(run.position));
    queues.forget(run.position);
    goingOn.forget(run.position);
    const needsCompletion = run.runId !== undefined || (run.hasBegun && run.kind === "prompt");
    if (!needsCompletion) return undefined;
    const content = turn === undefined ? this.#content(run, how, repaired) : joinedCompletion(turn);
    return { completionId: outbox.append(run, content), runId: run.runId, content };
  }

  #content(run: RunRow, how: LeftEnd, { reply, isDamaged }: Repaired): CompletionContent {
    const { runs, clock } = this.#options;
    const { status, cause, error, errorName } = isDamaged
      ? { ...how, error: damagedText, errorName: "StorageDamaged" as const }
      : how;
    return {
      ...defined({ messageId: reply?.id }),
      text: reply?.text ?? "",
      status,
      cancelled: status === "cancelled",
      cause,
      ...defined({ error, errorName }),
      foldedPrompts: runs.foldedInto(run.position),
      ...defined({
        neverRan: run.hasBegun ? undefined : (true as const),
        continuations: run.continuations || undefined,
        usage: runs.usage(run.position),
      }),
      ...runStanding(this.#options, run),
      completedAt: toRfc3339(clock.now()),
    };
  }

  /** Repairs the messages of a run and its sub-tasks; returns the run's own reply. */
  #repair(run: RunRow, { isFromRowAlone }: LeftEnd): Repaired {
    if (isFromRowAlone) return { isDamaged: false };
    return repairAll(this.#options, run);
  }
}

/** Repairs the messages of a run and its sub-tasks; returns the run's own reply. */
export function repairAll(
  options: Pick<LeftRunsOptions, "messages" | "clock" | "ids">,
  { sessionId, position }: Pick<RunRow, "sessionId" | "position">,
): Repaired {
  const { messages } = options;
  const own = repairMessages(options, sessionId, position);
  let { isDamaged } = own;
  for (const id of messages.subTaskSessions(sessionId, position)) {
    if (repairMessages(options, id, position).isDamaged) isDamaged = true;
  }
  return { ...own, isDamaged };
}
