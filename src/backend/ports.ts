// What the backend needs from outside, and what a caller is.

import type { ResolvedConfig } from "../config/types.js";
import type { Announcer, QuestionDesk, TurnEngine } from "../coordinator/ports.js";
import type { SelectedModel } from "../protocol/objects/model.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";

export type { Announcer, QuestionDesk };

/** Who calls a use case. */
export interface Caller {
  /** The client's identity: whose completions a prompt's will be. */
  readonly clientId: string;
  /** Aborted when the request is cancelled. */
  readonly signal: AbortSignal;
}

/** The configuration that a turn begins with, and the models that were chosen from it. */
export interface AgentChoice {
  readonly config: ResolvedConfig;
  readonly large: SelectedModel;
  readonly small: SelectedModel;
}

/** What an engine is built for. */
export interface EnginePlace {
  readonly workspaceId: string;
  readonly workspacePath: string;
  /** `createWorkspace.env`. */
  readonly env: Readonly<Record<string, string>>;
  permissionMode(): PermissionMode;
  /** The configuration as it is now. Throws `ConfigInvalid`. */
  configuration(): Promise<ResolvedConfig>;
  /** The choice as it is now; throws what makes it impossible. */
  choose(): Promise<AgentChoice>;
}

/** Runs the turns of one workspace, and owns what they leave running. */
export interface Engine extends TurnEngine {
  /** Begins to load what the first turn will need; never waits, never throws. */
  warmUp?(): void;
  /** Ends every process of the workspace. */
  dispose(): Promise<void>;
}

/** The completions, as the use cases need them. */
export interface Completions {
  ofRun(position: number): RunComplete | undefined;
  listPending(clientId: string, workspaceId?: string, sessionId?: string): RunComplete[];
  acknowledge(
    clientId: string,
    completionIds: readonly string[],
    now: number,
  ): { acknowledged: string[]; unknown: string[] };
  /** Gives a client's completions to the identity that it has now told. */
  adopt(from: string, to: string): void;
  onAppended(listener: (appended: { completion: RunComplete }) => void): () => void;
}
