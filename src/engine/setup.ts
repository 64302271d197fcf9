// What an engine is built for, and what a turn is prepared with. It contains only types.
import type { Log } from "../base/log.js";
import type { PermissionRules, ResolvedConfig } from "../config/types.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** The workspace that an engine is built for. */
export interface EngineWorkspace {
  readonly id: string;
  /** Its real path. */
  readonly path: string;
  /** Whether its own files may set options that can run code. */
  readonly trusted: boolean;
  /** `createWorkspace.env`. */
  readonly env: Readonly<Record<string, string>>;
  /** The engine that runs its turns: `turnwire`, or one of the configuration's `engines`. */
  readonly engine: string;
}

/** What a turn is prepared with: the present configuration, and the models chosen from it. */
export interface EngineSetup {
  readonly config: ResolvedConfig;
  readonly large: SelectedModel;
  readonly small: SelectedModel;
  /** The session of the turn. */
  readonly sessionId?: string;
  /** The log of the run, whose lines say which one it is; the engine's own where there is no run. */
  readonly log?: Log | undefined;
  /**
   * The options of the run (protocol.md section 4, Options of a run). `large` and `permissions` have
   * its model and its mode already; the engine sees to the rest.
   */
  readonly options?: RunOptions;
  /** The present mode and rules: both may change while the turn runs. */
  readonly permissions: {
    /** The present mode. */
    mode(): PermissionMode;
    /** The user accepted the plan: from now on `mode` is the workspace's. */
    leavePlan(): void;
    /** The present rules of the files. Rejects with `ConfigInvalid`. */
    rules(): Promise<PermissionRules>;
  };
}
