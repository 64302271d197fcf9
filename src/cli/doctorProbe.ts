/** `turnwire doctor --probe` (docs/cli.md): asks what is configured, and tells what answers. */
import { probeEngines } from "./doctorEngines.js";
import { probeModels } from "./doctorModels.js";
import { probeToolServers } from "./doctorToolServers.js";
import type { ProbeResult, ProbeSurroundings } from "./probeResult.js";

/** One kind of thing that can be asked. It never rejects. */
type Probe = (surroundings: ProbeSurroundings) => Promise<readonly ProbeResult[]>;

/** Everything that is asked, in the order in which it is told. */
const probes: readonly Probe[] = [probeModels, probeToolServers, probeEngines];

/** Asks everything, side by side. Never rejects. */
export async function probe(surroundings: ProbeSurroundings): Promise<readonly ProbeResult[]> {
  const results = await Promise.all(probes.map((one) => one(surroundings)));
  return results.flat();
}
