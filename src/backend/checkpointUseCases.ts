// The use cases of taking back (protocol.md section 4, Taking back).
import { checkpointGivenUp } from "../base/checkpointGivenUp.js";
import { type Clock, toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import { shownWithin } from "../base/insideFolder.js";
import type { Checkpoints } from "../checkpoints/checkpoints.js";
import type { ClientFiles } from "../coordinator/coordinatorOptions.js";
import { closeCopy } from "../coordinator/messageRepair.js";
import { sessionBusy } from "../coordinator/runAdmission.js";
import type { Checkpoint } from "../protocol/objects/checkpoint.js";
import type { Session } from "../protocol/objects/session.js";
import type { Params, Result } from "../protocol/registry.js";
import type { CheckpointRow } from "../storage/checkpointRow.js";
import type { CheckpointStore } from "../storage/checkpointStore.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { RunStore } from "../storage/runStore.js";
import type { Announcer, Caller } from "./caller.js";
import type { OpenWorkspace } from "./openWorkspace.js";
import { defaultPageSize, positionOf, toPage } from "./pages.js";
import type { SessionUseCases } from "./sessionUseCases.js";
import type { WorkspaceRegistry } from "./workspaceRegistry.js";

/** How many files of one checkpoint are listed at most. */
const mostFiles = 1000;
/** A page of checkpoints ends when it has this many files. */
const mostFilesOfPage = 10_000;

/** What the use cases are built from. */
export interface CheckpointUseCaseOptions {
  readonly workspaces: WorkspaceRegistry;
  readonly sessions: SessionUseCases;
  readonly checkpoints: CheckpointStore;
  readonly runs: RunStore;
  /** Keeps the contents of files, and rewinds. */
  readonly kept: Checkpoints;
  readonly messages: MessageStore;
  readonly announcer: Announcer;
  readonly ids: Ids;
  readonly clock: Clock;
  /** The files of the clients' editors. */
  readonly clientFiles?: ClientFiles;
}

/** The use cases of taking back. Each throws the errors that its method declares. */
export class CheckpointUseCases {
  readonly #options: CheckpointUseCaseOptions;

  constructor(options: CheckpointUseCaseOptions) {
    this.#options = options;
  }

  /** `listCheckpoints` */
  list(params: Params<"listCheckpoints">): Result<"listCheckpoints"> {
    const { workspace, sessionId } = this.#session(params);
    const limit = params.limit ?? defaultPageSize;
    const rows = this.#options.checkpoints.list(sessionId, limit + 1, positionOf(params.cursor));
    const listed: Checkpoint[] = [];
    let files = 0;
    for (const row of rows) {
      const checkpoint = this.#toCheckpoint(row, workspace.path);
      if (listed.length > 0 && files + checkpoint.files.length > mostFilesOfPage) break;
      files += checkpoint.files.length;
      listed.push(checkpoint);
    }
    const { rows: page, next } = toPage(
      rows.slice(0, listed.length),
      limit,
      listed.length < rows.length,
    );
    return { checkpoints: listed.slice(0, page.length), ...next };
  }

  #toCheckpoint(row: CheckpointRow, workspacePath: string): Checkpoint {
    const { checkpoints, runs } = this.#options;
    const files = checkpoints.files.of(row.position, mostFiles + 1);
    const runId = row.run === undefined ? undefined : runs.at(row.run)?.runId;
    return {
      checkpointId: row.id,
      ...defined({ runId, isRewind: row.run === undefined ? (true as const) : undefined }),
      createdAt: toRfc3339(row.createdAt),
      files: files.slice(0, mostFiles).map(({ path, added, removed }) => ({
        path: shownWithin(workspacePath, path),
        added,
        removed,
      })),
      ...defined({
        filesTruncated: files.length > mostFiles ? (true as const) : undefined,
        commandsRan: row.ranCommands ? (true as const) : undefined,
      }),
    };
  }

  /** `rewindSession` */
  async rewind(params: Params<"rewindSession">, caller: Caller): Promise<Result<"rewindSession">> {
    const { workspace, sessionId } = this.#session(params);
    workspace.refuseIfClosing();
    // This call ends the open runs of dead servers. Runs that are still open are a reason to refuse.
    const { isBusy, queuedPrompts } = this.#options.sessions.get(params);
    if (isBusy || queuedPrompts > 0) throw sessionBusy();
    const { files, history, force, dryRun } = params;
    const { commandsRan, checkpointId, ...result } = await this.#options.kept.rewind({
      workspaceId: workspace.id,
      checkpoint: this.#checkpoint(workspace, sessionId, params),
      files,
      history,
      force,
      dryRun,
      editor: this.#editorOf(workspace, sessionId, caller),
    });
    if (checkpointId !== undefined) this.#tell(workspace, sessionId);
    const shown = <T extends { readonly path: string }>(one: T) => ({
      ...one,
      path: shownWithin(workspace.path, one.path),
    });
    return {
      ...result,
      files: result.files.map(shown),
      conflicts: result.conflicts.map(shown),
      ...defined({ checkpointId, commandsRan: commandsRan ? (true as const) : undefined }),
    };
  }

  /** `sessionChanges` */
  async changes(
    params: Params<"sessionChanges">,
    caller: Caller,
  ): Promise<Result<"sessionChanges">> {
    const { workspace, sessionId } = this.#session(params);
    const { checkpointId } = params;
    const oldest = this.#options.checkpoints.first(sessionId);
    if (checkpointId === undefined && oldest === undefined) return { files: [] };
    const checkpoint =
      checkpointId === undefined && oldest !== undefined
        ? oldest
        : this.#checkpoint(workspace, sessionId, { checkpointId });
    const shown = (path: string) => shownWithin(workspace.path, path);
    const files = await this.#options.kept.changes(
      checkpoint,
      shown,
      this.#editorOf(workspace, sessionId, caller),
    );
    return { files: files.map((file) => ({ ...file, path: shown(file.path) })) };
  }

  /** `forkSession` */
  async fork(params: Params<"forkSession">): Promise<Session> {
    const { workspace, sessionId } = this.#session(params);
    const { ids, kept, messages, sessions, clock } = this.#options;
    workspace.refuseIfClosing();
    workspace.coordinator.live.flush(sessionId);
    const { messageId, title } = params;
    const upTo =
      messageId === undefined
        ? this.#lastWhole(workspace, sessionId)
        : messages.find(sessionId, messageId)?.position;
    if (upTo === undefined) {
      throw new DomainError(
        "MessageNotFound",
        `No message ${JSON.stringify(messageId)} in this session; listMessages tells which there are.`,
      );
    }
    const newId = ids.next("ses");
    const fork = { sessionId, upTo, newId, messageIds: ids.next("msg"), title };
    const goesOn = () => workspace.refuseIfClosing();
    await kept.forking.fork(fork, goesOn, () => closeCopy({ messages, ids, clock }, newId));
    this.#tell(workspace, newId);
    return sessions.get({ workspaceId: workspace.id, sessionId: newId });
  }

  /** The newest message. If a turn has begun and not ended, the newest message before that turn. */
  #lastWhole(workspace: OpenWorkspace, sessionId: string): number {
    const { checkpoints, sessions } = this.#options;
    // This ends the turns of dead servers, unless they go on.
    sessions.get({ workspaceId: workspace.id, sessionId });
    // What is said while the session is copied is no part of the copy.
    return checkpoints.beforeOpenTurn(sessionId) ?? checkpoints.messages.last(sessionId);
  }

  /** @throws DomainError `CheckpointNotFound`, or `RunNotFound` if the run never existed. */
  #checkpoint(
    workspace: OpenWorkspace,
    sessionId: string,
    named: { checkpointId?: string | undefined; runId?: string | undefined },
  ): CheckpointRow {
    const { checkpoints, runs } = this.#options;
    const { checkpointId, runId } = named;
    if (checkpointId !== undefined) {
      const found = checkpoints.find(sessionId, checkpointId);
      if (found !== undefined) return held(found);
      throw notFound(`No checkpoint ${JSON.stringify(checkpointId)} in this session`);
    }
    const run = runs.find(workspace.id, runId ?? "");
    if (run === undefined) {
      throw new DomainError(
        "RunNotFound",
        `No run ${JSON.stringify(runId)} was accepted in this workspace.`,
      );
    }
    const found = checkpoints.ofRun(sessionId, run.position);
    if (found !== undefined) return held(found);
    throw notFound(`The run ${JSON.stringify(runId)} has none in this session`);
  }

  /** The editor of the client that asks, for the files of the workspace. */
  #editorOf({ id: workspaceId, path }: OpenWorkspace, sessionId: string, caller: Caller) {
    const files = this.#options.clientFiles?.ofRun({ workspaceId, sessionId }, caller.clientId);
    return files && { files, signal: caller.signal, workspacePath: path };
  }

  #tell(workspace: OpenWorkspace, sessionId: string): void {
    const session = this.#options.sessions.get({ workspaceId: workspace.id, sessionId });
    this.#options.announcer.emit({
      method: "sessionUpdated",
      params: { workspaceId: workspace.id, sessionId, session },
    });
  }

  #session(params: { workspaceId: string; sessionId: string }): {
    workspace: OpenWorkspace;
    sessionId: string;
  } {
    const workspace = this.#options.workspaces.get(params.workspaceId);
    return { workspace, sessionId: this.#options.sessions.find(workspace, params.sessionId).id };
  }
}

/** @throws DomainError `CheckpointNotFound` if it was given up. */
function held(checkpoint: CheckpointRow): CheckpointRow {
  if (checkpoint.isGivenUp) throw checkpointGivenUp(checkpoint.id);
  return checkpoint;
}

function notFound(what: string): DomainError {
  return new DomainError("CheckpointNotFound", `${what}; listCheckpoints tells which there are.`);
}
