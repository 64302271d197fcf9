// The permission mode of one run (protocol.md section 7): its own where it asked for one, else the
// workspace's, and never more than the configuration lets any run have.
import { stricterMode } from "../config/modes.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** Where a run's mode comes from. */
export interface RunModeParts {
  /** What the run asked for. */
  readonly own: PermissionMode | undefined;
  /** The workspace's mode as it is now. */
  workspace(): PermissionMode;
  /** `permissions.maxMode` as it is now. */
  most(): PermissionMode | undefined;
}

/** The mode of one run while it runs. */
export class RunMode {
  readonly #parts: RunModeParts;
  #hasLeftPlan = false;
  /** Whether the plan that was accepted was the workspace's own mode, and has been since. */
  #passesOverPlan = false;

  constructor(parts: RunModeParts) {
    this.#parts = parts;
  }

  /** The mode as it is now. */
  now(): PermissionMode {
    const { own, workspace, most } = this.#parts;
    const ofWorkspace = workspace();
    if (ofWorkspace !== "plan") this.#passesOverPlan = false;
    if (!this.#hasLeftPlan) return stricterMode(own ?? ofWorkspace, most());
    return stricterMode(this.#passesOverPlan ? "ask" : ofWorkspace, most());
  }

  /**
   * The plan was accepted: the run goes on in the workspace's mode, or asks where that is `plan` too.
   */
  leavePlan(): void {
    this.#hasLeftPlan = true;
    this.#passesOverPlan = this.#parts.workspace() === "plan";
  }
}
