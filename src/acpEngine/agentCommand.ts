import { type Clock, sleep } from "../base/clock.js";
import { DomainError } from "../base/errors.js";
import type { SessionState } from "./sessionState.js";

/** How long an agent may take to tell its commands after a session was opened. */
const patienceMs = 3_000;

/**
 * Resolves if the agent has a command with which it makes room in its session.
 *
 * @throws DomainError `EngineFailed` if it does not tell of one; the signal's reason.
 */
export async function needCommand(
  name: string,
  state: SessionState,
  { engine, clock }: { readonly engine: string; readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const enough = new AbortController();
  const patience = sleep(clock, patienceMs, AbortSignal.any([enough.signal, signal]));
  await Promise.race([state.toldCommands(), patience]);
  enough.abort();
  patience.catch(() => {});
  if (state.commands.some((one) => one.name === name)) return;
  const message = `The engine ${engine} has no command with which its session could be summarised; it sees to that itself.`;
  throw new DomainError("EngineFailed", message);
}
