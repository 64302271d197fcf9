// `turnwire relay run --once` (docs/cli.md): until when it carries, and how it then ends.
import { type Clock, sleep } from "../base/clock.js";
import type { RelayReport } from "../storage/relayReport.js";
import { relayLine } from "./doctorRelays.js";
import { exitCodes } from "./runOptions.js";

/** How often it looks whether everything is sent, in milliseconds. */
const betweenLooksMs = 100;
/** How long it waits for a place that does not take it, in milliseconds. */
const onceMs = 15_000;

/** What the command needs of its process. */
export interface RelayOnceIo {
  readonly clock: Clock;
  /** Takes one line, without its end. */
  writeError(line: string): void;
}

/**
 * Resolves with the exit code once the relays of these names have sent everything that is there, a place does
 * not take it for 15 seconds, or a relay was told to stop. `read` says how far the relays of the data directory have come.
 */
export async function untilSent(
  names: readonly string[],
  read: () => readonly RelayReport[],
  { clock, writeError }: RelayOnceIo,
): Promise<number> {
  const began = clock.now();
  const reports = () => read().filter(({ name }) => names.includes(name));
  const before = reports();
  for (;;) {
    await sleep(clock, betweenLooksMs);
    const after = reports();
    const late = after.filter(({ behind, asked = 0 }) => behind > 0 || asked > 0);
    const missing = names.filter((name) => after.every((one) => one.name !== name));
    if (missing.length === 0 && late.length === 0) return saySetAside(before, after, writeError);
    const isOver = (since: number) => clock.now() - Math.max(since, began) > onceMs;
    // A relay that was told to stop (HTTP 410) sends nothing more by itself.
    const stuck = late.filter(
      ({ isStopped, trouble, troubleSince = began }) =>
        isStopped || (trouble !== undefined && isOver(troubleSince)),
    );
    if (stuck.length > 0 || (missing.length > 0 && isOver(began))) {
      for (const relay of stuck) writeError(`turnwire: ${relayLine(relay)}`);
      for (const name of missing) writeError(`turnwire: ${name} has not begun`);
      return exitCodes.failed;
    }
  }
}

/** What was set aside meanwhile, or again, was not sent. */
function saySetAside(
  before: readonly RelayReport[],
  after: readonly RelayReport[],
  writeError: RelayOnceIo["writeError"],
): number {
  const rested = (name: string) => {
    const { setAside = 0, asked = 0 } = before.find((one) => one.name === name) ?? {};
    return setAside - asked;
  };
  const refused = after.filter(({ name, setAside }) => setAside > rested(name));
  for (const { name, setAside } of refused) {
    writeError(`turnwire: ${name}: ${setAside - rested(name)} refused, and set aside`);
  }
  return refused.length === 0 ? exitCodes.succeeded : exitCodes.failed;
}
