// Makes the checkpoint of a run (protocol.md section 4, Taking back): it notes the state of the session
// before the run, and keeps the contents of the files that the run changes.
import type { FileKeeper } from "../base/fileKeeper.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { PatientWrites } from "./patientWrites.js";
import { runLog } from "./runLog.js";

type CheckpointOptions = Pick<
  CoordinatorOptions,
  "checkpoints" | "keeperOf" | "database" | "ids" | "clock" | "log"
>;

/** Notes the state of a run's session before the run has written a message. Does so once for a run. */
export function noteCheckpoint(run: AcceptedRun, options: CheckpointOptions): void {
  const { checkpoints, database, ids, clock } = options;
  const { position } = run.ref;
  const { sessionId } = run.request;
  // What takes runs back has nothing of its own that could be: its rewind is a checkpoint.
  if (checkpoints === undefined || run.command === "undo") return;
  database.attempt(
    `checkpoint ${position}`,
    () => {
      const id = ids.next("chk");
      checkpoints.begin({ id, sessionId, run: position, createdAt: clock.now() });
    },
    (reason) => {
      runLog(run, options).error({ reason }, "a run in a damaged database cannot be taken back");
    },
  );
}

/** Keeps the contents that a run changes, after the run's earlier writes. Undefined if nothing is kept. */
export function keeperOf(
  run: AcceptedRun,
  writes: PatientWrites,
  options: CheckpointOptions,
): FileKeeper | undefined {
  return options.keeperOf?.({
    sessionId: run.request.sessionId,
    position: run.ref.position,
    async store(write) {
      writes.write(write);
      await writes.stored(run.signal);
      run.signal.throwIfAborted();
    },
  });
}
