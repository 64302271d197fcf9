/** What `turnwire runs`, `attach` and `cancel` are asked for. */
import type { Result } from "../protocol/registry.js";

interface Common {
  readonly dataDir?: string;
  /** One JSON object, for programs. */
  readonly json?: true;
}

export type RunsCommandOptions =
  | (Common & { readonly action: "list"; readonly limit?: number })
  | (Common & { readonly action: "attach" | "cancel"; readonly runId: string });

/** A run as it is listed. */
export type ListedRun = Result<"listRuns">["runs"][number];
