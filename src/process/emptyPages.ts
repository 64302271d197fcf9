// The empty pages of V8's heap. V8 12 and newer keep those of a heap that got smaller, until a collection
// that prefers a small heap has ended. Then it gives all of them back in one piece.
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";

const mb = 1024 * 1024;
/** An array of so many slots takes a megabyte. */
const slotsOfMb = 131_000;
/** As many megabytes make V8 begin a collection, or nothing does. */
const mostGrown = 64;
/** For so many megabytes it is measured how long the system takes to give one. */
const tried = 4;
/** A system takes about so much longer to give a page to a process than to take it back. */
const givenToTaken = 6;
/** How long the event loop may be held to give the pages back, in milliseconds. */
const mostHeldMs = 40;
/** The time that V8 has for its collection after each megabyte, in milliseconds. */
const stepMs = 10;

/** The empty pages of this process. */
export const emptyPages = {
  /** Whether V8 keeps them, and may be asked for them. Where somebody has set the flag, it is not ours to change. */
  areKept: Number.parseInt(process.versions.v8, 10) >= 12 && !isSmallChosen(),

  /**
   * Has V8 give them back, so long as `isWanted` says so. The heap grows by a megabyte at a time until V8
   * begins a collection, which works in small steps. Does nothing where the system would take so long
   * for `bytes` of pages that the event loop would be held.
   */
  async giveBack(bytes: number, isWanted: () => boolean): Promise<void> {
    const held: number[][] = [];
    let msOfMb = Number.POSITIVE_INFINITY;
    while (held.length < tried && isWanted()) msOfMb = Math.min(msOfMb, await growBy(held));
    if ((msOfMb / givenToTaken) * (bytes / mb) > mostHeldMs) return;
    setFlagsFromString("--optimize-for-size");
    try {
      while (held.length < mostGrown && isWanted()) await growBy(held);
    } finally {
      // The flag that V8 has at other times stays as it was: it belongs to the name of compiled code.
      setFlagsFromString("--no-optimize-for-size");
    }
  },
};

/** Makes the heap larger by a megabyte; returns how much of the processor that took, in milliseconds. */
async function growBy(held: number[][]): Promise<number> {
  const before = process.cpuUsage();
  held.push(new Array<number>(slotsOfMb).fill(0));
  const { user, system } = process.cpuUsage(before);
  await pause(stepMs, undefined, { ref: false });
  return (user + system) / 1_000;
}

function isSmallChosen(): boolean {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return /optimize[-_]for[-_]size/.test(given);
}
