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
    const change = placeChange(relay);
    if (change !== undefined) report.fact("relay", `${relay.name}: ${change}`);
    const { name, setAside, isStopped } = relay;
    const retry = `\`turnwire relay retry ${name}\``;
    if (isStopped) report.problem("relay", `${name} was told to stop; ${retry} lets it go on`);
    if (setAside > 0) {
      report.problem("relay", `${name} has set ${setAside} aside; ${retry} sends them again`);
    }
  }
}

/** What to know of a relay that carries to another place than before. */
export function placeChange(relay: RelayReport): string | undefined {
  const { name, place, placeBefore, placeChangedAt = 0 } = relay;
  if (place === undefined || placeBefore === undefined) return undefined;
  const at = new Date(placeChangedAt).toISOString();
  const now = place === placeBefore ? `${place} (another path)` : place;
  return `its place changed at ${at} from ${placeBefore} to ${now}, which gets only what came later; to send it all that is kept, end what relays, then \`turnwire relay forget ${name}\``;
}

/** One relay in one line. */
export function relayLine(relay: RelayReport): string {
  const { name, behind, asked = 0, trouble, troubleSince = 0 } = relay;
  const again = asked === 0 ? "" : `, ${asked} to send again`;
  const state = behind === 0 && asked === 0 ? "nothing to send" : `${behind} to send${again}`;
  const since = new Date(troubleSince).toISOString();
  return `${name}: ${state}${trouble === undefined ? "" : `; since ${since}: ${trouble}`}`;
}
