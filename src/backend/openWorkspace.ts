// One open workspace: its options, its agent, its runs, and how it is closed.
import { toRfc3339 } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { DomainError } from "../base/errors.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { Engine } from "../engine/engine.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { PermissionMode, Workspace } from "../protocol/objects/workspace.js";
import type { WorkspaceRow } from "../storage/workspaceStore.js";
import type { WorkspaceAgent } from "./workspaceAgent.js";
import type { WorkspaceModes } from "./workspaceModes.js";

/** What is needed to open a workspace. */
export interface WorkspaceParts {
  readonly row: WorkspaceRow;
  readonly trusted: boolean;
  readonly agent: WorkspaceAgent;
  readonly coordinator: Coordinator;
  readonly engine: Engine;
}

/** A folder that is open in this server. */
export class OpenWorkspace {
  readonly id: string;
  readonly path: string;
  readonly trusted: boolean;
  readonly agent: WorkspaceAgent;
  readonly coordinator: Coordinator;
  readonly engine: Engine;
  readonly #createdAt: number;
  readonly #modes: WorkspaceModes;
  #closed: Promise<void> | undefined;

  constructor(parts: WorkspaceParts, modes: WorkspaceModes) {
    this.id = parts.row.id;
    this.path = parts.row.path;
    this.trusted = parts.trusted;
    this.agent = parts.agent;
    this.coordinator = parts.coordinator;
    this.engine = parts.engine;
    this.#createdAt = parts.row.createdAt;
    this.#modes = modes;
  }

  get isClosing(): boolean {
    return this.#closed !== undefined;
  }

  /** @throws DomainError `WorkspaceClosing` once {@link close} was called. */
  refuseIfClosing(): void {
    if (this.isClosing) {
      throw new DomainError(
        "WorkspaceClosing",
        "The workspace is being closed; open it again with createWorkspace once that is done.",
      );
    }
  }

  /** @throws DomainError `InvalidParams` if the configuration forbids a mode. */
  refuseMode(mode: PermissionMode): void {
    this.#modes.refuse(mode);
  }

  /** The workspace in the form for clients. */
  describe(): Workspace {
    return {
      id: this.id,
      path: this.path,
      trusted: this.trusted,
      permissionMode: this.#modes.now,
      isClosing: this.isClosing,
      agent: this.agent.info(this.coordinator.isBusy),
      createdAt: toRfc3339(this.#createdAt),
    };
  }

  /**
   * Closes the workspace, in this order: (1) accept no new runs, (2) cancel running turns and drop
   * waiting runs, (3) wait for the turns, (4) release what they left running. Every further call
   * gets the same promise.
   */
  close(cause: RunCause): Promise<void> {
    this.#closed ??= this.#close(cause);
    return this.#closed;
  }

  async #close(cause: RunCause): Promise<void> {
    const closing = new Closing();
    closing.add(() => this.engine.dispose());
    closing.add(() => this.coordinator.close(cause));
    await closing.close();
  }
}
