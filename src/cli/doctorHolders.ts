// Reports who uses a data directory, for `doctor` (protocol.md section 9).
import { messageOf } from "../base/errors.js";
import type { DataHolder } from "../storage/dataHolders.js";
import type { OwnProcess } from "../storage/knownServers.js";
import type { DoctorReport } from "./doctorReport.js";

/** Reports which servers use the data directory, with their start, process and version. */
export async function reportHolders(
  dataDirectory: string,
  own: OwnProcess | undefined,
  report: DoctorReport,
): Promise<void> {
  const { dataHolders } = await import("../storage/dataHolders.js");
  let holders: DataHolder[];
  try {
    holders = dataHolders(dataDirectory, own);
  } catch (error) {
    report.problem("in use by", `cannot be told: ${messageOf(error)}`);
    return;
  }
  for (const holder of holders) {
    if (holder.isAlive) report.fact("in use by", nameOf(holder));
    else {
      report.fact(
        "left by",
        `${nameOf(holder)}, which has ended; what it left open is ended by the next server`,
      );
    }
  }
}

function nameOf({ processId, version, startedAt }: DataHolder): string {
  const process = processId === undefined ? "a process unknown" : `process ${processId}`;
  const since = new Date(startedAt).toISOString();
  return `${process}, Turnwire ${version ?? "of before"}, since ${since}`;
}
