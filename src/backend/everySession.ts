// Sessions of every workspace of the data directory, open here or not (protocol.md section 3).
import { defined } from "../base/defined.js";
import { describeElsewhere } from "../coordinator/sessionNews.js";
import type { Session } from "../protocol/objects/session.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { QueueStore } from "../storage/queueStore.js";
import type { RunStore } from "../storage/runStore.js";
import type { SessionRow } from "../storage/sessionStore.js";
import type { WorkspaceStore } from "../storage/workspaceStore.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** What is needed to describe a session of any workspace. */
export interface EverySessionOptions {
  readonly workspaces: WorkspaceRegistry;
  readonly workspacePaths: WorkspaceStore;
  readonly runs: RunStore;
  readonly queues: QueueStore;
  readonly goingOn: GoingOnStore;
  readonly serverId: string;
  recoverIfDead(serverId: string): boolean;
}

/** A session of any workspace in the form for clients, with its folder. */
export function describeAnywhere(row: SessionRow, options: EverySessionOptions): Session {
  const open = options.workspaces.list().find(({ id }) => id === row.workspaceId);
  const session = open?.coordinator.describe(row) ?? describeElsewhere(row, options);
  const workspacePath = open?.path ?? options.workspacePaths.pathOf(row.workspaceId);
  return { ...session, ...defined({ workspacePath }) };
}
