// The caller of one request, as its connection and its handshake know it.
import type { Caller } from "../backend/caller.js";
import type { ConnectionScope } from "../backend/connectionScope.js";
import type { NamedParent } from "../base/telemetry.js";

/** What the handshake has told of a client. */
interface Greeted {
  readonly permissionSeconds: number;
  readonly hasIdentity: boolean;
  readonly trace: NamedParent;
}

/**
 * The caller of one request. Its signal is made when somebody first looks at it: hardly any request does, and
 * a signal takes a tenth of the time of a small one.
 */
export class RequestCaller implements Caller {
  readonly clientId: string;
  readonly permissionSeconds: number;
  readonly hasIdentity: boolean;
  readonly trace: NamedParent;
  readonly scope?: ConnectionScope;
  #controller: AbortController | undefined;

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
    return this.#made.signal;
  }

  /** The request is cancelled. */
  cancel(): void {
    this.#made.abort(new Error("the request was cancelled"));
  }

  get #made(): AbortController {
    this.#controller ??= new AbortController();
    return this.#controller;
  }
}
