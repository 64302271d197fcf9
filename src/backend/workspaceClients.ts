// What each client has set in one workspace (protocol.md section 2, The daemon): its environment, its permission
// mode and its models. In a server with one client there is one setting for everybody.
import type { Engine } from "../engine/engine.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { WorkspaceAgent } from "./workspaceAgent.js";
import type { WorkspaceModes } from "./workspaceModes.js";

/** What a client may tell about itself when it opens a workspace. */
export interface ClientSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly permissionMode?: PermissionMode | undefined;
}

/** One client's part of a workspace. */
export interface WorkspaceClient {
  readonly env: ClientSettings["env"];
  readonly agent: WorkspaceAgent;
  readonly modes: WorkspaceModes;
  /** The engine of its environment, with the trust of the present holders. */
  engine(): Engine;
}

/** The parts of all clients. */
export class WorkspaceClients {
  readonly #make: (settings: ClientSettings) => WorkspaceClient;
  readonly #isShared: boolean;
  readonly #clients = new Map<string, WorkspaceClient>();

  /** `isShared`: clients have parts of their own. */
  constructor(make: (settings: ClientSettings) => WorkspaceClient, isShared: boolean) {
    this.#make = make;
    this.#isShared = isShared;
  }

  /** A client's part. One that has set nothing gets the workspace's configuration as it is. */
  of(clientId: string): WorkspaceClient {
    return this.#known(clientId) ?? this.#add(clientId, { env: {} });
  }

  /** A client opens the workspace. If it has it open already, its first settings stay. */
  open(clientId: string, settings: ClientSettings, hasItOpen: boolean): WorkspaceClient {
    const known = this.#known(clientId);
    return known !== undefined && hasItOpen ? known : this.#add(clientId, settings);
  }

  /** A client has given its identity; what it set before counts for that. */
  rename(from: string, to: string): void {
    const set = this.#known(from);
    // Runs of the first name may still wait, so it stays.
    if (set !== undefined && this.#isShared && !this.#clients.has(to)) this.#clients.set(to, set);
  }

  /** Forgets those that no longer count. Returns the environments of the others. */
  keepOnly(counts: (clientId: string) => boolean): ClientSettings["env"][] {
    if (this.#isShared) {
      for (const clientId of [...this.#clients.keys()]) {
        if (!counts(clientId)) this.#clients.delete(clientId);
      }
    }
    return [...this.#clients.values()].map(({ env }) => env);
  }

  #known(clientId: string): WorkspaceClient | undefined {
    return this.#clients.get(this.#key(clientId));
  }

  #add(clientId: string, settings: ClientSettings): WorkspaceClient {
    const made = this.#make(settings);
    this.#clients.set(this.#key(clientId), made);
    return made;
  }

  #key(clientId: string): string {
    return this.#isShared ? clientId : "";
  }
}
