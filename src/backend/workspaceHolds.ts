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

/** A hold as it stands, and how many calls of its connection rely on it. */
interface Held {
  readonly hold: Hold;
  calls: number;
}

/** The holds of one workspace. */
export class WorkspaceHolds {
  readonly #holds = new Map<ConnectionScope | undefined, Held>();
  #wasTrusted = false;

  /**
   * Adds a hold, unless the connection has one already; the first one stays. What is returned takes this
   * call back: true if no other call of the connection relies on the same hold.
   */
  add(hold: Hold): () => boolean {
    const held = this.#holds.get(hold.scope) ?? { hold, calls: 0 };
    held.calls++;
    this.#holds.set(hold.scope, held);
    this.#wasTrusted = this.isTrusted;
    return () => {
      held.calls--;
      return held.calls === 0 && this.#holds.get(hold.scope) === held;
    };
  }

  /** Says whether the folder is trusted as long as nobody has held it. */
  assume(trusted: boolean): void {
    this.#wasTrusted = trusted;
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
    return [...this.#holds.values()].every(({ hold }) => hold.trusted);
  }

  /** Whether a connection has a hold. */
  has(scope: ConnectionScope): boolean {
    return this.#holds.has(scope);
  }

  /** Whether a client has any hold. */
  isHeldBy(clientId: string): boolean {
    return [...this.#holds.values()].some(({ hold }) => hold.clientId() === clientId);
  }

  /** The connections that hold it. */
  get scopes(): ConnectionScope[] {
    return [...this.#holds.keys()].filter((scope) => scope !== undefined);
  }
}
