import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { termsText } from "./runTerms.js";

/**
 * Runs join a turn, in the present transaction. If one of them goes on after the loss of its server, the
 * turn does too. What was kept of their prompts is messages of the turn now.
 */
export function keepFolded(
  { goingOn, queues, database }: Pick<CoordinatorOptions, "goingOn" | "queues" | "database">,
  turn: AcceptedRun,
  joining: readonly AcceptedRun[],
): void {
  for (const run of joining) if (run.goesOn) queues.forget(run.ref.position);
  const terms = joining.find((run) => run.request.terms !== undefined)?.request.terms;
  if (turn.goesOn || terms === undefined) return;
  goingOn.keep(turn.ref.position, termsText(terms));
  queues.keep(turn.ref.position, turn.request.prompt);
  database.afterCommit(() => {
    turn.goesOn = true;
  });
}
