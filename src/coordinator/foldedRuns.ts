import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { type RunTerms, stricterTerms, termsText } from "./runTerms.js";

/**
 * Runs join a turn, in the present transaction. If one of them goes on after the loss of its server, the
 * turn does too, in what its own terms and theirs allow. What was kept of their prompts is messages of
 * the turn now.
 */
export function keepFolded(
  {
    goingOn,
    queues,
    database,
    commands,
  }: Pick<CoordinatorOptions, "goingOn" | "queues" | "database" | "commands">,
  turn: AcceptedRun,
  joining: readonly AcceptedRun[],
): void {
  for (const run of joining) if (run.goesOn) queues.forget(run.ref.position);
  if (turn.goesOn) return;
  const terms = joining.reduce<RunTerms | undefined>((all, { request }) => {
    if (request.terms === undefined) return all;
    return all === undefined ? request.terms : stricterTerms(all, request.terms);
  }, undefined);
  if (terms === undefined) return;
  const { held } = turn.request;
  const both = held === undefined ? terms : stricterTerms(held, terms);
  goingOn.keep(turn.ref.position, termsText(both));
  // The next server ends by it what the turn has begun so far.
  if (commands !== undefined) goingOn.setCommandMark(turn.ref.position, commands.own);
  queues.keep(turn.ref.position, turn.request.prompt);
  database.afterCommit(() => {
    turn.goesOn = true;
  });
}
