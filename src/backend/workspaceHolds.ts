// Who holds a workspace open, and whether its files are trusted (protocol.md section 2, The daemon).
import type { ConnectionScope } from "./connectionScope.js";

/** One connection's hold on a workspace. A server with one client has one hold for it. */
export interface Hold {
  /** Undefined in a server with one client. */
  readonly scope: ConnectionScope | undefined;
  /** Whose it is, as the connection names itself now. */
  readonly clientId: () => string;
  readonly trusted: boolean;
}

/** The holds of one workspace. */
export class WorkspaceHolds {
  readonly #holds = new Map<ConnectionScope | undefined, Hold>();
  #wasTrusted = false;

  /** Adds a hold, unless the connection has one already; the first one stays. */
  add(hold: Hold): boolean {
    if (this.#holds.has(hold.scope)) return false;
    this.#holds.set(hold.scope, hold);
    this.#wasTrusted = this.isTrusted;
    return true;
  }

  /** Gives a connection's hold up; false if it has none. */
  delete(scope: ConnectionScope): boolean {
    this.#wasTrusted = this.isTrusted;
    return this.#holds.delete(scope);
  }

  get isEmpty(): boolean {
    return this.#holds.size === 0;
  }

  /**
   * Whether every holder trusts the folder. Runs that go on after the last holder has left keep what
   * held before.
   */
  get isTrusted(): boolean {
    if (this.isEmpty) return this.#wasTrusted;
    return [...this.#holds.values()].every(({ trusted }) => trusted);
  }

  /** Whether a client has any hold. */
  isHeldBy(clientId: string): boolean {
    return [...this.#holds.values()].some((hold) => hold.clientId() === clientId);
  }

  /** The connections that hold it. */
  get scopes(): ConnectionScope[] {
    return [...this.#holds.keys()].filter((scope) => scope !== undefined);
  }
}
