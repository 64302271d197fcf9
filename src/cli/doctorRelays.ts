// Reports what the relays of a data directory have done, for `doctor` (docs/fleet.md).
import { messageOf } from "../base/errors.js";
import type { RelayReport } from "../storage/relayReport.js";
import type { DoctorReport } from "./doctorReport.js";

/** Reports each relay: how far it is behind, what is in its way, and what it has set aside. */
export async function reportRelays(
  dataDirectory: string,
  report: Pick<DoctorReport, "fact" | "problem">,
): Promise<void> {
  const { relayReports } = await import("../storage/relayReport.js");
  let relays: RelayReport[];
  try {
    relays = relayReports(dataDirectory);
  } catch (error) {
    report.problem("relay", `cannot be told: ${messageOf(error)}`);
    return;
  }
  for (const relay of relays) {
    report.fact("relay", relayLine(relay));
    const { name, setAside, isStopped } = relay;
    const retry = `\`turnwire relay retry ${name}\``;
    if (isStopped) report.problem("relay", `${name} was told to stop; ${retry} lets it go on`);
    if (setAside > 0) {
      report.problem("relay", `${name} has set ${setAside} aside; ${retry} sends them again`);
    }
  }
}

/** One relay in one line. */
export function relayLine(relay: RelayReport): string {
  const { name, behind, asked = 0, trouble, troubleSince = 0 } = relay;
  const again = asked === 0 ? "" : `, ${asked} to send again`;
  const state = behind === 0 && asked === 0 ? "nothing to send" : `${behind} to send${again}`;
  const since = new Date(troubleSince).toISOString();
  return `${name}: ${state}${trouble === undefined ? "" : `; since ${since}: ${trouble}`}`;
}
