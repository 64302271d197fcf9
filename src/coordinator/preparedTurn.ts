// Prepares the turn of a run. If the run was taken over and the configuration does not fit it any more, it
// is tried again (protocol.md section 4, Going on after a loss).
import { sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import { TurnParked } from "../base/turnParked.js";
import type { Turn } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import type { PatientWrites } from "./patientWrites.js";
import { runLog } from "./runLog.js";
import { termsText } from "./runTerms.js";

/** How often a configuration is tried that does not fit a run that was taken over. */
const mostTries = 3;
const betweenTriesMs = 60_000;
const ofConfiguration: ReadonlySet<string> = new Set([
  "ConfigInvalid",
  "ModelNotConfigured",
  "ProviderNotFound",
  "SandboxUnavailable",
]);

type Options = Pick<CoordinatorOptions, "prepareTurn" | "goingOn" | "clock" | "log">;

/** The turn of a run, ready to begin. Rejects as `Engine.prepare`. */
export async function preparedTurn(
  run: AcceptedRun,
  writes: PatientWrites,
  options: Options,
): Promise<Turn> {
  for (let attempt = 1; ; attempt++) {
    try {
      const turn = await options.prepareTurn(run.signal, toPrepare(run, writes, options));
      if (run.takenOver?.hasBegun && turn.canGoOn !== true) throw cannotGoOn();
      return turn;
    } catch (error) {
      const isOfConfiguration = error instanceof DomainError && ofConfiguration.has(error.name);
      const isTaken = run.takenOver !== undefined && !run.signal.aborted;
      if (!isOfConfiguration || !isTaken) throw error;
      if (run.parking.aborted) throw new TurnParked();
      if (attempt >= mostTries) throw error;
      runLog(run, options).warn(
        { attempt, reason: error.message },
        "the configuration does not fit a run that goes on; it is tried again",
      );
    }
    await sleep(
      options.clock,
      betweenTriesMs,
      AbortSignal.any([run.signal, run.parking.signal]),
    ).catch((reason: unknown) => {
      throw run.signal.aborted ? reason : new TurnParked();
    });
  }
}

function toPrepare(run: AcceptedRun, writes: PatientWrites, given: Options) {
  const { goingOn } = given;
  const { sessionId, clientId, options, terms } = run.request;
  return {
    sessionId,
    clientId,
    options: options.effective,
    log: runLog(run, given),
    ...defined({ terms: run.takenOver === undefined ? undefined : terms }),
    onLeavePlan: (mode: NonNullable<typeof terms>["mode"]) => {
      if (terms === undefined) return;
      const left = termsText({ ...terms, mode, hasLeftPlan: true });
      writes.write(() => goingOn.setTerms(run.ref.position, left));
    },
  };
}

/** Ends what the commands of the server before have left; whether some of them may still run. */
export async function mayStillRunCommands(
  { takenOver }: AcceptedRun,
  { commands }: Pick<CoordinatorOptions, "commands">,
): Promise<boolean> {
  if (takenOver?.hasBegun !== true) return false;
  if (takenOver.commandMark === undefined || commands === undefined) return true;
  return !(await commands.end(takenOver.commandMark));
}

/** An engine that would begin the turn again must not: its tools would run twice. */
function cannotGoOn(): DomainError {
  const message = "The server stopped while this ran, and its engine cannot go on with a turn.";
  return new DomainError("EngineFailed", message);
}
