// Ends what the commands of a server have left that is gone (protocol.md section 4, Going on after a
// loss). They are recognised by the marks that they carry, wherever they have moved to.
import { sleep } from "../base/clock.js";
import { type EndTreeOptions, send } from "./endTree.js";

/** How often they are looked for, since they may fork in between, and how long is waited. */
const mostRounds = 40;
const betweenRoundsMs = 50;

/** The marks of all commands of one server, and the space in which its process numbers mean something. */
interface ServerMark {
  readonly variablePrefix: string;
  readonly fileLocksPattern: string;
  readonly place: string;
}

/**
 * Ends, by force, the processes that carry a server's mark. Resolves with whether it is certain that none
 * of them lives: not where the system lists no processes, nor where they ran in another place.
 */
export async function endMarked(
  mark: string,
  place: string | undefined,
  { looks, clock, log }: EndTreeOptions,
): Promise<boolean> {
  const meant = parsed(mark);
  if (meant === undefined || place === undefined || meant.place !== place) return false;
  for (let round = 0; round < mostRounds; round++) {
    const look = await looks.look();
    if (look === undefined) return false;
    const pids = await look.carrying(meant.variablePrefix, meant.fileLocksPattern);
    if (pids.length === 0) return true;
    for (const pid of pids) send(pid, "SIGKILL");
    await sleep(clock, betweenRoundsMs);
  }
  log.error({}, "commands of a server that is gone cannot be killed");
  return false;
}

function parsed(mark: string): ServerMark | undefined {
  try {
    const value = JSON.parse(mark) as Partial<ServerMark>;
    const { variablePrefix, fileLocksPattern, place } = value;
    const isWhole =
      typeof variablePrefix === "string" &&
      /^\w+\.$/.test(variablePrefix) &&
      typeof fileLocksPattern === "string" &&
      /^\d{10}\[0-9\]\{\d\}$/.test(fileLocksPattern) &&
      typeof place === "string";
    return isWhole ? { variablePrefix, fileLocksPattern, place } : undefined;
  } catch {
    // A damaged mark is the mark of no command.
    return undefined;
  }
}
