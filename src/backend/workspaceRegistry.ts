// The folders that are open in this server (protocol.md section 3).
import { createHash } from "node:crypto";
import { realpathSync, statSync } from "node:fs";
import type { Clock } from "../base/clock.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { NoStartFolder, type ResolvePath } from "../base/startFolder.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { Params } from "../protocol/registry.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { ResumableRow } from "../storage/resumableWorkspaces.js";
import type { WorkspaceStore } from "../storage/workspaceStore.js";
import type { Announcer, Caller } from "./caller.js";
import type { ConnectionScope } from "./connectionScope.js";
import { refuseOther } from "./engineChoice.js";
import { builtInEngine } from "./engineName.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import type { WorkspaceFactory } from "./workspaceFactory.js";

/** Longer than any path that a system takes, in UTF-16 units. */
const longestPath = 32_767;

/** A folder has the same id in every data directory. */
function workspaceIdOf(realPath: string): string {
  return `ws_${createHash("sha256").update(realPath).digest("hex").slice(0, 16)}`;
}

/** What the registry needs. */
export interface RegistryOptions {
  readonly store: WorkspaceStore;
  readonly goingOn: Pick<GoingOnStore, "setResumable">;
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
  /**
   * How many callers got the workspace, or still wait for it: a failure for one caller must not
   * close it for the others.
   */
  readonly #openers = new WeakMap<OpenWorkspace, number>();
  /** Workspaces that may close when their runs have ended. */
  readonly #emptying = new WeakSet<OpenWorkspace>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * Opens a folder, and holds it for the caller. If he has it open already, his first options stay.
   *
   * @throws DomainError `PathRequired`, `PathNotFound`, `EngineNotFound`, `EngineConflict`; with `initAgent` also the errors of that
   * method. After an error, a workspace that nobody else has opened is closed again.
   */
  async create(params: Params<"createWorkspace">, caller: Caller): Promise<OpenWorkspace> {
    const path = this.#realPath(params.path);
    await this.#checkEngine(workspaceIdOf(path), params);
    const row = this.#options.store.open(path, workspaceIdOf(path), this.#options.clock.now());
    for (;;) {
      const closing = this.#open.get(row.id);
      if (!closing?.isClosing) break;
      await this.delete(closing, "deleted");
    }
    const { engine } = params;
    const workspace =
      this.#open.get(row.id) ?? this.#options.factory.build(row, engine ?? builtInEngine);
    refuseOther(workspace, engine);
    this.#open.set(row.id, workspace);
    this.#countOpener(workspace, 1);
    const takeBack = this.#hold(workspace, params, caller);
    this.#noteResumable(workspace, params);
    if (params.initAgent !== true) return workspace;
    try {
      await workspace.of(caller).agent.init();
    } catch (error) {
      const isUnused = this.#countOpener(workspace, -1) === 0;
      if (caller.scope === undefined) {
        if (isUnused) await this.delete(workspace, "deleted");
      } else if (takeBack()) await this.release(workspace, caller.scope);
      throw error;
    }
    return workspace;
  }

  /** @throws DomainError `StorageFailed` */
  #noteResumable(
    { id, engine, holds }: OpenWorkspace,
    { resumable }: Params<"createWorkspace">,
  ): void {
    if (resumable === undefined) return;
    const options = resumable ? { trusted: holds.isTrusted, engine } : undefined;
    this.#options.goingOn.setResumable(id, options);
  }

  /** A client has deleted a workspace: it is opened by itself no more. */
  forgetResumable(id: string): void {
    this.#options.goingOn.setResumable(id);
  }

  /**
   * Opens a workspace that nobody holds, to go on with its runs; false if it is open, or if its folder is
   * gone.
   */
  resume({ id, path, options }: ResumableRow): boolean {
    if (this.#open.has(id)) return false;
    try {
      if (workspaceIdOf(this.#realPath(path)) !== id) return false;
    } catch (error) {
      this.#options.log.warn(
        { workspaceId: id, reason: messageOf(error) },
        "runs wait for a folder",
      );
      return false;
    }
    const row = this.#options.store.open(path, id, this.#options.clock.now());
    const workspace = this.#options.factory.build(row, options.engine);
    workspace.holds.assume(options.trusted);
    this.#open.set(row.id, workspace);
    return true;
  }

  /** Closes a workspace that was resumed, as soon as nobody needs it. */
  closeResumed(id: string): void {
    const workspace = this.#open.get(id);
    if (workspace !== undefined) void this.#closeIfUnneeded(workspace);
  }

  /** An engine is looked for where a folder is opened, before anything is done. */
  async #checkEngine(id: string, { engine, env = {} }: Params<"createWorkspace">): Promise<void> {
    if (engine === undefined) return;
    const open = this.#open.get(id);
    if (open !== undefined && !open.isClosing) refuseOther(open, engine);
    else await this.#options.factory.checkEngine(engine, env);
  }

  /** Holds a workspace for a caller. What is returned is true if no other call of his relies on it. */
  #hold(
    workspace: OpenWorkspace,
    { env = {}, permissionMode, trusted = false }: Params<"createWorkspace">,
    { clientId, scope }: Caller,
  ): () => boolean {
    const { holds, clients } = workspace;
    const hasItOpen = scope === undefined ? !holds.isEmpty : holds.isHeldBy(clientId);
    const takeBack = holds.add({ scope, clientId: () => scope?.clientId ?? clientId, trusted });
    clients.open(clientId, { env, permissionMode }, hasItOpen).engine();
    scope?.addWorkspace(workspace.id);
    // The client may have gone while the folder was being closed.
    if (scope?.isClosed === true) void this.release(workspace, scope);
    return takeBack;
  }

  /**
   * Gives a connection's hold up. The workspace closes as soon as nobody holds it and no run of it is
   * open. Returns whether it is closed now. Never rejects.
   */
  async release(workspace: OpenWorkspace, scope: ConnectionScope): Promise<boolean> {
    const wasHeld = workspace.holds.delete(scope);
    if (workspace.coordinator.isBusy) scope.removeWorkspace(workspace.id);
    const isClosed = wasHeld && (await this.#closeIfUnneeded(workspace));
    // The connection may have taken a new hold meanwhile, also on the folder as it was opened anew.
    if (this.#open.get(workspace.id)?.holds.has(scope) !== true) {
      scope.removeWorkspace(workspace.id);
    }
    return isClosed;
  }

  async #closeIfUnneeded(workspace: OpenWorkspace): Promise<boolean> {
    if (!workspace.coordinator.isBusy) {
      if (workspace.holds.isEmpty) {
        await this.delete(workspace, "deleted");
        return true;
      }
      await this.#endUnusedEngines(workspace);
      return false;
    }
    if (this.#emptying.has(workspace)) return false;
    this.#emptying.add(workspace);
    void workspace.coordinator.whenIdle().then(async () => {
      this.#emptying.delete(workspace);
      await this.#closeIfUnneeded(workspace);
    });
    return false;
  }

  /** Ends what clients that hold the workspace no longer have left of engines. No turn runs. */
  async #endUnusedEngines(workspace: OpenWorkspace): Promise<void> {
    const { clients, engines, holds } = workspace;
    try {
      await engines.keepOnly(clients.keepOnly((clientId) => holds.isHeldBy(clientId)));
    } catch (error) {
      this.#warn(workspace, error, "the engine of a client that has left did not end cleanly");
    }
  }

  #warn({ id }: OpenWorkspace, error: unknown, what: string): void {
    this.#options.log.error({ workspaceId: id, reason: messageOf(error) }, what);
  }

  #countOpener(workspace: OpenWorkspace, change: 1 | -1): number {
    const count = (this.#openers.get(workspace) ?? 0) + change;
    this.#openers.set(workspace, count);
    return count;
  }

  #realPath(path: string): string {
    if (path.length > longestPath) {
      const told = `\`path\` has more than ${longestPath} characters`;
      throw new DomainError("PathNotFound", `There is no such folder: ${told}.`);
    }
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

  /** Closes a workspace and forgets it; resolves once that is done. */
  async delete(workspace: OpenWorkspace, cause: RunCause): Promise<void> {
    const isFirst = !workspace.isClosing;
    try {
      await workspace.close(cause);
    } catch (error) {
      this.#warn(workspace, error, "a workspace did not close cleanly");
    }
    if (!isFirst) return;
    this.#open.delete(workspace.id);
    this.#options.announcer.emit({
      method: "workspaceClosed",
      params: { workspaceId: workspace.id },
    });
    for (const scope of workspace.holds.scopes) scope.removeWorkspace(workspace.id);
  }
}
