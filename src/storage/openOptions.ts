// How the one SQLite file is opened.
import type { Schema } from "./migrations.js";
import type { OlderServer } from "./schemaSteps.js";

/** How a file is opened. */
export interface OpenOptions<Opened> {
  /** The schema steps to take; by default this program's own. */
  readonly schema?: Schema;
  /** The living servers that know fewer steps than `steps`. Without it there are none. */
  olderServers?(database: Opened, steps: number): readonly OlderServer[];
}
