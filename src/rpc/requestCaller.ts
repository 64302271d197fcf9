// The caller of one request, as its connection and its handshake know it.
import type { Caller } from "../backend/caller.js";
import type { ConnectionScope } from "../backend/connectionScope.js";
import { LateAbort } from "../base/lateAbort.js";
import type { NamedParent } from "../base/telemetry.js";

/** What the handshake has told of a client. */
interface Greeted {
  readonly permissionSeconds: number;
  readonly hasIdentity: boolean;
  readonly trace: NamedParent;
}

/** The caller of one request. */
export class RequestCaller implements Caller {
  readonly clientId: string;
  readonly permissionSeconds: number;
  readonly hasIdentity: boolean;
  readonly trace: NamedParent;
  readonly scope?: ConnectionScope;
  readonly #cancelling = new LateAbort();

  constructor(
    { clientId }: { readonly clientId: string },
    { permissionSeconds, hasIdentity, trace }: Greeted,
    scope?: ConnectionScope,
  ) {
    this.clientId = clientId;
    this.permissionSeconds = permissionSeconds;
    this.hasIdentity = hasIdentity;
    this.trace = trace;
    if (scope !== undefined) this.scope = scope;
  }

  get signal(): AbortSignal {
    return this.#cancelling.signal;
  }

  onCancel(listener: () => void): () => void {
    return this.#cancelling.onAbort(listener);
  }

  /** The request is cancelled. */
  cancel(): void {
    this.#cancelling.abort(new Error("the request was cancelled"));
  }
}
