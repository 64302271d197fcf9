// One open workspace: who holds it, what its clients have set, its runs, and how it is closed.
import { toRfc3339 } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { DomainError } from "../base/errors.js";
import type { Coordinator } from "../coordinator/coordinator.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Workspace } from "../protocol/objects/workspace.js";
import type { WorkspaceRow } from "../storage/workspaceStore.js";
import type { EnginePool } from "./enginePool.js";
import type { WorkspaceClient, WorkspaceClients } from "./workspaceClients.js";
import type { WorkspaceHolds } from "./workspaceHolds.js";

/** What is needed to open a workspace. */
export interface WorkspaceParts {
  readonly row: WorkspaceRow;
  readonly engine: string;
  readonly coordinator: Coordinator;
  readonly holds: WorkspaceHolds;
  readonly clients: WorkspaceClients;
  readonly engines: EnginePool;
}

/** A folder that is open in this server. */
export class OpenWorkspace {
  readonly id: string;
  readonly path: string;
  /** The name of the engine that runs its turns. */
  readonly engine: string;
  readonly coordinator: Coordinator;
  readonly holds: WorkspaceHolds;
  readonly clients: WorkspaceClients;
  readonly engines: EnginePool;
  readonly #createdAt: number;
  #closed: Promise<void> | undefined;

  constructor(parts: WorkspaceParts) {
    this.id = parts.row.id;
    this.path = parts.row.path;
    this.engine = parts.engine;
    this.coordinator = parts.coordinator;
    this.holds = parts.holds;
    this.clients = parts.clients;
    this.engines = parts.engines;
    this.#createdAt = parts.row.createdAt;
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

  /** What the caller of a method has set here. */
  of({ clientId }: { readonly clientId: string }): WorkspaceClient {
    return this.clients.of(clientId);
  }

  /** The workspace in the form for one client. */
  describe(caller: { readonly clientId: string }): Workspace {
    const { modes, agent } = this.of(caller);
    return {
      id: this.id,
      path: this.path,
      trusted: this.holds.isTrusted,
      permissionMode: modes.now,
      isClosing: this.isClosing,
      agent: agent.info(this.coordinator.isBusy),
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
    closing.add(() => this.engines.dispose());
    closing.add(() => this.coordinator.close(cause));
    await closing.close();
  }
}
