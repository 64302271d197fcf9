// `turnwire doctor --repair` (protocol.md section 9): rebuilds a damaged database and says what it did.
import { messageOf } from "../base/errors.js";
import { noDataDirectory } from "../storage/dataDirectory.js";
import { repairDatabase } from "../storage/repair.js";

/** The most ids that are listed for one table; the others are counted. */
const mostIds = 100;

/**
 * Repairs the database of a data directory; `write` takes one line, without its end. Resolves with
 * the exit code: 0 if the database can be used now, also if nothing had to be done; else 1, and the
 * database is unchanged.
 */
export async function repairCommand(
  dataDir: string | undefined,
  write: (line: string) => void,
): Promise<number> {
  const say = (subject: string, text: string) => write(`${subject.padEnd(16)}${text}`);
  if (dataDir === undefined) {
    say("data directory", `PROBLEM: ${noDataDirectory}`);
    return 1;
  }
  try {
    const { copy, tables } = repairDatabase(dataDir, Date.now());
    if (copy === undefined) {
      say("database", "nothing is damaged; nothing was done");
      return 0;
    }
    say("copy", `${copy} is the database as it was`);
    for (const { table, kept, mended, leftOut } of tables) {
      say(table, `${kept} kept, ${mended.length} mended, ${leftOut.length} left out`);
      if (mended.length > 0) say("", `mended: ${listed(mended)}`);
      if (leftOut.length > 0) say("", `left out, by their positions: ${listed(leftOut)}`);
    }
    say("database", "rebuilt");
    return 0;
  } catch (error) {
    say("database", `PROBLEM: ${messageOf(error)}`);
    return 1;
  }
}

function listed(ids: readonly string[]): string {
  const told = ids.slice(0, mostIds).join(", ");
  return ids.length > mostIds ? `${told}, and ${ids.length - mostIds} more` : told;
}
