// Builds the part of a server that deletes the contents of deleted and old sessions, in small steps, as long
// as the server lives (protocol.md section 9).
import type { Clock } from "./base/clock.js";
import type { Closing } from "./base/closing.js";
import type { Log } from "./base/log.js";
import type { Checkpoints } from "./checkpoints/checkpoints.js";
import { limitOf, type ServerLimitsSource } from "./config/serverLimitsSource.js";
import type { Broadcaster } from "./events/broadcaster.js";
import type { Outbox } from "./events/outbox.js";
import type { CompletionStore } from "./storage/completionStore.js";
import type { Database } from "./storage/database.js";
import { Forgetter } from "./storage/forgetter.js";
import { ForgottenSessions } from "./storage/forgottenSessions.js";
import { NoteStore } from "./storage/noteStore.js";
import { OldSessions } from "./storage/oldSessions.js";
import { Pruner } from "./storage/pruner.js";
import type { RunStore } from "./storage/runStore.js";
import type { SessionStore } from "./storage/sessionStore.js";
import { SharedTexts } from "./storage/sharedTexts.js";
import { TextSharer } from "./storage/textSharer.js";
import { ToolOutputs } from "./storage/toolOutputs.js";

/** The places from which it deletes. */
export interface ForgettingOptions {
  readonly dataDirectory: string;
  readonly database: Database;
  readonly sessions: SessionStore;
  readonly runs: RunStore;
  readonly completions: CompletionStore;
  readonly outbox: Pick<Outbox, "onAcknowledged">;
  readonly limits: ServerLimitsSource;
  readonly broadcaster: Pick<Broadcaster, "emit">;
  /** The kept contents of files, and the forks. */
  readonly kept: Checkpoints;
  readonly closing: Closing;
  readonly clock: Clock;
  readonly log: Log;
}

/** Begins. The work ends with the server. */
export function forgetInSteps(options: ForgettingOptions): Forgetter {
  const { dataDirectory, database, completions, limits, broadcaster, closing, clock, log } =
    options;
  const forgotten = new ForgottenSessions(database);
  const forgetter = new Forgetter({ database, forgotten, clock, log });
  options.kept.forking.onAbandoned(() => forgetter.wake());
  closing.add(() => forgetter.close());
  const sharer = new TextSharer(new SharedTexts(database), clock, log);
  options.outbox.onAcknowledged((completionIds) => sharer.acknowledged(completionIds));
  closing.add(() => sharer.close());
  const outputs = new ToolOutputs(dataDirectory, log);
  const old = new OldSessions({
    database,
    sessions: options.sessions,
    runs: options.runs,
    keepDays: () => limitOf(limits, "keepDays"),
    onDeleted(workspaceId, sessionIds) {
      for (const sessionId of sessionIds) {
        broadcaster.emit({ method: "sessionDeleted", params: { workspaceId, sessionId } });
      }
      void outputs.forget(workspaceId, sessionIds);
      void options.kept.forgetSessions(sessionIds);
      forgetter.wake();
    },
    onFilesBefore(time) {
      void outputs.forgetBefore(time);
      void options.kept.bound.giveUpBefore(time);
    },
  });
  const pruner = new Pruner({ completions, notes: new NoteStore(database), old }, clock, log);
  closing.add(() => pruner.close());
  return forgetter;
}
