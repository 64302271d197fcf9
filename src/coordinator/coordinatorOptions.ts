import type { Clock } from "../base/clock.js";
import type { EditorFiles } from "../base/editorFiles.js";
import type { FileKeeper, KeptRun } from "../base/fileKeeper.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { TurnTools } from "../base/turnTools.js";
import type { Turn } from "../engine/engine.js";
import type { Outbox } from "../events/outbox.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type {
  InputAnswer,
  InputRequest,
  LossyEvent,
  PermissionAnswer,
  PermissionQuestion,
  ToolCallRequest,
} from "../protocol/registry.js";
import type { CheckpointStore } from "../storage/checkpointStore.js";
import type { Database } from "../storage/database.js";
import type { EngineSessionStore } from "../storage/engineSessionStore.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { GroupCommit } from "../storage/groupCommit.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { QueueStore } from "../storage/queueStore.js";
import type { RunStore } from "../storage/runStore.js";
import type { SessionStore } from "../storage/sessionStore.js";
import type { StoredQuestion } from "../storage/storedQuestion.js";
import type { OwedWrites } from "./owedWrites.js";
import type { RunSlots } from "./runSlots.js";
import type { RunsOfServer } from "./runsOfServer.js";
import type { RunTerms } from "./runTerms.js";

/** Sends an event that may be lost. Never waits, never throws. */
export interface Announcer {
  emit(event: LossyEvent): void;
}

/** The run that asks its client. */
interface AskingRun {
  readonly position: number;
  readonly clientId: string;
  readonly permissionSeconds: number;
  /** Whether the next server asks again what is open when this one is gone. */
  readonly goesOn?: () => boolean;
  /** Whether it belongs to this server no more. */
  readonly isLeft?: () => boolean;
  /** The same question, if an earlier server has asked it. */
  readonly left?: StoredQuestion;
}

/** Asks the client that sent a prompt. */
export interface QuestionDesk {
  /** Takes over the question that an earlier server has asked for the same call of a tool, if it did. */
  adopt?(
    run: number,
    question: Omit<PermissionQuestion, "permissionId">,
  ): Promise<StoredQuestion | undefined>;
  /**
   * Resolves with undefined if no client can answer, or if none needs to be asked any more: `anew` works
   * the question out again before it is put to a connection that comes later.
   */
  ask(
    run: AskingRun,
    question: PermissionQuestion,
    signal: AbortSignal,
    anew: () => Promise<PermissionQuestion | undefined>,
  ): Promise<PermissionAnswer | undefined>;
  /** Asks for input for a tool server; like {@link QuestionDesk.ask}. */
  requestInput(
    clientId: string,
    question: InputRequest,
    signal: AbortSignal,
  ): Promise<InputAnswer | undefined>;
}

/** The run whose turn is made ready. */
export interface RunToPrepare {
  readonly sessionId: string;
  /** Whose run it is. */
  readonly clientId: string;
  /** The options that apply to it. */
  readonly options: RunOptions;
  /** Its log. */
  readonly log: Log;
  /** What it may at most, if it was accepted by another server. */
  readonly terms?: RunTerms;
  /** Called when the run has left the mode `plan`; `mode` is the one in which it goes on. */
  onLeavePlan?(mode: PermissionMode): void;
}

/** A run that takes the runs before it back. */
export interface UndoOfRun {
  readonly workspaceId: string;
  readonly sessionId: string;
  /** What stands behind the command: how many runs. */
  readonly argument: string;
  readonly signal: AbortSignal;
  /** The files of its client's editor. */
  readonly files?: EditorFiles;
}

/** The tools of every client that is connected. */
interface ClientTools {
  /** Those of one client as they are now. */
  offered(clientId: string): TurnTools<ToolCallRequest>;
}

/** The files of every client that is connected. */
export interface ClientFiles {
  /** Those of one client, for one run. */
  ofRun(
    run: { readonly workspaceId: string; readonly sessionId: string; readonly runId?: string },
    clientId: string,
  ): EditorFiles;
}

/** The marks by which the commands of a server are recognised. */
export interface CommandMarks {
  /** That of this server. */
  readonly own: string;
  /**
   * Ends the commands of a server that is gone, by its mark; resolves with whether it is certain that none
   * of them lives. Never rejects.
   */
  end(mark: string): Promise<boolean>;
}

/** What a workspace's coordinator needs. */
export interface CoordinatorOptions {
  readonly workspaceId: string;
  readonly serverId: string;
  readonly database: Database;
  readonly commits: GroupCommit;
  readonly owed: OwedWrites;
  readonly sessions: SessionStore;
  readonly messages: MessageStore;
  readonly runs: RunStore;
  readonly queues: QueueStore;
  /** The sessions of engines that keep their own, if any can be used. */
  readonly engineSessions?: EngineSessionStore;
  readonly goingOn: GoingOnStore;
  readonly outbox: Outbox;
  /** The open runs of all workspaces together, if anybody needs them. */
  readonly runsOfServer?: RunsOfServer;
  /** How many turns run at once in all workspaces together; without it, any number. */
  readonly slots?: RunSlots;
  /** See `base/loopTurn.ts`; without it, turns that are released together begin together. */
  readonly loopTurn?: () => Promise<void> | undefined;
  /** Where the state of a session before each run is noted, if it is. */
  readonly checkpoints?: CheckpointStore;
  /** What keeps the changes of a run that has begun; undefined where nothing is kept. */
  keeperOf?(run: KeptRun): FileKeeper | undefined;
  /** Carries `/undo` out within its run, and tells a person what was done; undefined: nothing can. */
  undo?(asked: UndoOfRun): Promise<string>;
  readonly announcer: Announcer;
  readonly desk: QuestionDesk;
  /** The tools of the clients, if any can have some. */
  readonly clientTools?: ClientTools;
  /** The files that clients have in their editors, if any can have some. */
  readonly clientFiles?: ClientFiles;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /**
   * Makes the workspace's engine prepare a turn, with the configuration as it is now; see {@link
   * Engine.prepare}.
   */
  prepareTurn(signal: AbortSignal, run: RunToPrepare): Promise<Turn>;
  /** The mark of the commands that turns of this server begin, and how to end those of another one. */
  readonly commands?: CommandMarks;
  /** Whether the workspace as it is open here can go on with a run of these terms; by default it can. */
  canGoOn?(terms: RunTerms, clientId: string): boolean;
  /** How many days a run waits at most for a server; undefined if that is not known now. */
  waitingDays?(): number | undefined;
  /** Ends the runs of a server that has died; false if it lives. */
  recoverIfDead(serverId: string): boolean;
}
