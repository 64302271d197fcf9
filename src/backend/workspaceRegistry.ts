// The folders that are open in this server (protocol.md section 3).
import { createHash } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import type { Clock } from "../base/clock.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { NoStartFolder, type ResolvePath } from "../base/startFolder.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { Params } from "../protocol/registry.js";
import type { WorkspaceStore } from "../storage/workspaceStore.js";
import type { Announcer } from "./caller.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import type { WorkspaceFactory } from "./workspaceFactory.js";

/** A folder has the same id in every data directory. */
function workspaceIdOf(realPath: string): string {
  return `ws_${createHash("sha256").update(realPath).digest("hex").slice(0, 16)}`;
}

/** What the registry needs. */
export interface RegistryOptions {
  readonly store: WorkspaceStore;
  readonly factory: WorkspaceFactory;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly log: Log;
  /** Resolves a relative path. */
  readonly resolvePath: ResolvePath;
}

/** Opens, finds and closes workspaces. */
export class WorkspaceRegistry {
  readonly #options: RegistryOptions;
  readonly #open = new Map<string, OpenWorkspace>();
  readonly #modes = new Map<string, PermissionMode>();
  /**
   * How many callers got the workspace, or still wait for it: a failure for one caller must not
   * close it for the others.
   */
  readonly #openers = new WeakMap<OpenWorkspace, number>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * Opens a folder. If it is open already, its first options stay.
   *
   * @throws DomainError `PathRequired`, `PathNotFound`; with `initAgent` also the errors of that
   * method. After an error, a workspace that nobody else has opened is closed again.
   */
  async create(params: Params<"createWorkspace">): Promise<OpenWorkspace> {
    const path = this.#realPath(params.path);
    const row = this.#options.store.open(path, workspaceIdOf(path), this.#options.clock.now());
    for (;;) {
      const closing = this.#open.get(row.id);
      if (!closing?.isClosing) break;
      await this.delete(closing, "deleted");
    }
    const workspace =
      this.#open.get(row.id) ?? this.#options.factory.build(row, params, this.#modes);
    this.#open.set(row.id, workspace);
    this.#countOpener(workspace, 1);
    if (params.initAgent !== true) return workspace;
    try {
      await workspace.agent.init();
    } catch (error) {
      if (this.#countOpener(workspace, -1) === 0) await this.delete(workspace, "deleted");
      throw error;
    }
    return workspace;
  }

  #countOpener(workspace: OpenWorkspace, change: 1 | -1): number {
    const count = (this.#openers.get(workspace) ?? 0) + change;
    this.#openers.set(workspace, count);
    return count;
  }

  #realPath(path: string): string {
    if (path.trim() === "") {
      throw new DomainError("PathRequired", "`path` is empty; give the folder to open.");
    }
    const absolute = this.#absolute(path);
    try {
      const real = realpathSync.native(absolute);
      if (statSync(real).isDirectory()) return real;
    } catch (error) {
      throw new DomainError("PathNotFound", `There is no folder at ${absolute}.`, { cause: error });
    }
    throw new DomainError("PathNotFound", `${absolute} is not a folder.`);
  }

  #absolute(path: string): string {
    try {
      return this.#options.resolvePath(path);
    } catch (error) {
      if (!(error instanceof NoStartFolder)) throw error;
      throw new DomainError("PathNotFound", `\`path\`: ${error.message}.`, { cause: error });
    }
  }

  /**
   * @throws DomainError `WorkspaceNotFound` if it is not open.
   */
  get(workspaceId: string): OpenWorkspace {
    const workspace = this.#open.get(workspaceId);
    if (workspace === undefined) {
      throw new DomainError(
        "WorkspaceNotFound",
        `No workspace ${JSON.stringify(workspaceId)} is open here; open its folder with createWorkspace.`,
      );
    }
    return workspace;
  }

  /** A workspace that is open; undefined where it is not. */
  known(workspaceId: string): OpenWorkspace | undefined {
    return this.#open.get(workspaceId);
  }

  /** Every open workspace, in the order of opening. */
  list(): OpenWorkspace[] {
    return [...this.#open.values()];
  }

  /** Sets the permission mode of a workspace. */
  setPermissionMode(workspace: OpenWorkspace, mode: PermissionMode): void {
    this.#modes.set(workspace.id, mode);
  }

  /** Closes a workspace and forgets it; resolves once that is done. */
  async delete(workspace: OpenWorkspace, cause: RunCause): Promise<void> {
    const isFirst = !workspace.isClosing;
    try {
      await workspace.close(cause);
    } catch (error) {
      this.#options.log.error(
        { workspaceId: workspace.id, reason: messageOf(error) },
        "a workspace did not close cleanly",
      );
    }
    if (!isFirst) return;
    this.#open.delete(workspace.id);
    this.#modes.delete(workspace.id);
    this.#options.announcer.emit({
      method: "workspaceClosed",
      params: { workspaceId: workspace.id },
    });
  }
}
