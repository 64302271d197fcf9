// The caller of a use case, and the access to completions.

import type { NamedParent } from "../base/telemetry.js";
import type { Announcer } from "../coordinator/coordinatorOptions.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { ConnectionScope } from "./connectionScope.js";

export type { Announcer };

/** The caller of a use case. */
export interface Caller {
  /** The client's identity, which gets the completions of its prompts. */
  readonly clientId: string;
  /** Whether the client has told its identity in `initialize`. */
  readonly hasIdentity?: boolean;
  /** Aborted when the request is cancelled. It is made when it is first asked for. */
  readonly signal: AbortSignal;
  /**
   * Calls `listener` when the request is cancelled, and at once if it is; no signal is made for that. Returns
   * how to stop it.
   */
  onCancel(listener: () => void): () => void;
  /** How long questions of its runs wait for it, in seconds; 0 unless told. */
  readonly permissionSeconds?: number;
  /** Where its connection belongs in a trace, if it says. */
  readonly trace?: NamedParent;
  /** Its connection, in a server that has several; undefined in one that has a single client. */
  readonly scope?: ConnectionScope;
}

/** The completions, as the use cases need them. */
export interface Completions {
  ofRun(position: number): RunComplete | undefined;
  listPending(
    clientId: string,
    place: {
      readonly workspaceId: string | undefined;
      readonly sessionId: string | undefined;
      readonly after: number | undefined;
    },
  ): { readonly completions: RunComplete[]; readonly next?: number };
  acknowledge(
    clientId: string,
    completionIds: readonly string[],
    now: number,
  ): Promise<{ acknowledged: string[]; unknown: string[] }>;
  /** Moves a client's completions to the identity that it has now given. */
  adopt(from: string, to: string): void;
  onAppended(listener: (appended: { completion: RunComplete }) => void): () => void;
}
