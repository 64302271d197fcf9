// The permission mode of one run (protocol.md section 7): its own if it asked for one, else the workspace's.
// It is never higher than `permissions.maxMode`.
import { stricterMode } from "../base/stricterMode.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

/** The sources of a run's mode. */
export interface RunModeParts {
  /** The mode that the run asked for. */
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
  /**
   * Whether the workspace's own mode was `plan` when the plan was accepted, and has been since.
   */
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
   * Notes that the plan was accepted. The run goes on in the workspace's mode. If that is `plan` too, it
   * goes on in `ask`.
   */
  leavePlan(): void {
    this.#hasLeftPlan = true;
    this.#passesOverPlan = this.#parts.workspace() === "plan";
  }
}
