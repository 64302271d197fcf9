/** What a probe of `turnwire doctor --probe` works with, and what it has found. */
import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { ResolvedConfig } from "../config/types.js";
import type { Environment } from "../config/variables.js";

/** What a probe works with. */
export interface ProbeSurroundings {
  readonly config: ResolvedConfig;
  readonly env: Environment;
  /** The folder in which tool servers start; undefined if there is none. */
  readonly workspacePath: string | undefined;
  readonly dataDir: string | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** What one probe has found. Neither text holds a key. */
export type ProbeResult = {
  /** What was asked: `model`, `toolServer` or `engine`. */
  readonly kind: string;
  /** The model, as `provider/model`, or the name of the tool server or the engine. */
  readonly name: string;
  readonly milliseconds: number;
} & (
  | {
      readonly ok: true;
      /** What it can do, for a person. */
      readonly text: string;
    }
  | {
      readonly ok: false;
      /** What failed and how to put it right, for a person. */
      readonly text: string;
      /** The name of the error for a program, where there is one. */
      readonly errorName?: string;
    }
);
