// What belongs to one connection where a server has several (protocol.md section 2, The daemon): the workspaces
// that it holds, the sessions that it subscribed to, and so the events that it gets.
import type { LossyEvent } from "../protocol/registry.js";

/** The share of one connection in what a server has open. */
export class ConnectionScope {
  readonly #clientId: () => string;
  readonly #workspaces = new Set<string>();
  readonly #sessions = new Map<string, Set<string>>();
  #isClosed = false;

  /** `clientId` tells whose connection it is, as it is known now. */
  constructor(clientId: () => string) {
    this.#clientId = clientId;
  }

  get clientId(): string {
    return this.#clientId();
  }

  /** Whether the client has gone: then it can hold nothing any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it gets an event. */
  includes({ params }: LossyEvent): boolean {
    if (!("workspaceId" in params)) return true;
    const { workspaceId } = params;
    if (this.#workspaces.has(workspaceId)) return true;
    return "sessionId" in params && this.#sessions.get(workspaceId)?.has(params.sessionId) === true;
  }

  /** From now on it gets the events of a workspace. */
  addWorkspace(workspaceId: string): void {
    this.#workspaces.add(workspaceId);
  }

  /** From now on it gets the events of a session. */
  addSession(workspaceId: string, sessionId: string): void {
    const known = this.#sessions.get(workspaceId);
    if (known === undefined) this.#sessions.set(workspaceId, new Set([sessionId]));
    else known.add(sessionId);
  }

  /** The workspace is given up or closed; subscriptions to its sessions stay. */
  removeWorkspace(workspaceId: string): void {
    this.#workspaces.delete(workspaceId);
  }

  /** The client has gone. */
  close(): void {
    this.#isClosed = true;
    this.#workspaces.clear();
    this.#sessions.clear();
  }
}
