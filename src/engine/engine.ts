// The interface between the server and the engine that runs its turns, only types (setup.ts belongs to
// it). An engine imports nothing of another engine, and the coordinator knows nothing else about an
// engine. A turn goes like this. The coordinator has accepted a run and lets the engine prepare it
// ({@link Engine.prepare}). Then it begins the run and hands it over once ({@link Turn.run} or {@link
// Turn.summarize}), with a sink for messages, functions for questions, and a signal. The completion
// tells the outcome that the engine returns.
import type { Circumstances } from "../base/circumstances.js";
import type { EditorFiles } from "../base/editorFiles.js";
import type { FileKeeper } from "../base/fileKeeper.js";
import type { RunErrorName } from "../base/runErrors.js";
import type { ToolMemory } from "../base/toolMemory.js";
import type { TurnProgress } from "../base/turnProgress.js";
import type { TurnTools } from "../base/turnTools.js";
import type { ResolvedConfig } from "../config/types.js";
import type { AskClient } from "../protocol/askClient.js";
import type { Command } from "../protocol/objects/command.js";
import type { FinishReason, Message, Part } from "../protocol/objects/message.js";
import type { SandboxInfo } from "../protocol/objects/model.js";
import type { RunCause, Usage } from "../protocol/objects/run.js";
import type { RunOptions } from "../protocol/objects/runOptions.js";
import type { Todo } from "../protocol/objects/session.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import type { ToolInfo } from "../protocol/objects/toolInfo.js";
import type { Activity, InputAnswer, InputQuestion } from "../protocol/registry.js";
import type { EngineSetup } from "./setup.js";

export type { Circumstances, SessionBegin } from "../base/circumstances.js";

/** Runs the turns of one workspace, and owns every process that they leave running. */
export interface Engine {
  /**
   * Prepares one turn. This is the slow work; it comes after acceptance, and a cancel can stop it.
   *
   * @throws DomainError if the turn cannot begin; the signal's reason once it is aborted.
   */
  prepare(setup: EngineSetup, signal: AbortSignal): Promise<Turn>;
  /** How commands would be confined with this configuration, if it asks for it. Never rejects. */
  sandbox?(config: ResolvedConfig): Promise<SandboxInfo>;
  /** The permission mode has changed, which may decide open questions. Never throws. */
  permissionsChanged?(): void;
  /** Replaces the own tool servers of a session. */
  setSessionServers?(sessionId: string, servers: SessionServers): Promise<void>;
  /**
   * The commands with which a prompt of a session, or of any, may begin. Rejects only with the
   * signal's reason.
   */
  commands?(
    config: ResolvedConfig,
    signal: AbortSignal,
    sessionId?: string,
  ): Promise<readonly Command[]>;
  /** Like {@link Engine.commands}: the tools that a run can be offered, without a client's. */
  tools?(...asked: Parameters<NonNullable<Engine["commands"]>>): Promise<readonly ToolInfo[]>;
  /** The first option of a run that the engine cannot follow; undefined if it can follow all. */
  optionProblem?(options: RunOptions): OptionProblem | undefined;
  /** Why a schema of `outputSchema` cannot be used; undefined if it can. */
  outputProblem?(schema: object, signal: AbortSignal): Promise<string | undefined>;
  /** Begins to load what the first turn will need; never waits, never throws. */
  warmUp?(setup: EngineSetup): void;
  /** Forgets everything that was kept for a session. */
  forgetSession(sessionId: string): Promise<void>;
  /** Ends every process of the workspace. No turn runs any more when it is called. */
  dispose(): Promise<void>;
}

/** An option that an engine cannot follow. */
export interface OptionProblem {
  /** Its place in the options, such as `limits.steps`. */
  readonly path: string;
  /** Why, in words that can follow the place. */
  readonly message: string;
}

/** One turn, ready to begin. */
export interface Turn {
  /** Whether it can go on with a turn that another server has begun ({@link TurnRequest.begun}). */
  readonly canGoOn?: boolean;
  /** Runs a prompt to its end. Throws only unexpected errors. */
  run(request: TurnRequest): Promise<TurnOutcome>;
  /** Summarises the history. Throws only unexpected errors. */
  summarize(request: Omit<TurnRequest, "prompt">): Promise<TurnOutcome>;
  /** Makes a title for a session that begins with `prompt`; undefined if that fails. */
  title(
    prompt: string,
    sink: Pick<TurnSink, "addUsage">,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

/** What a turn gets when it begins. */
export interface TurnRequest {
  readonly sessionId: string;
  readonly prompt: Prompt;
  /** The session's messages, from its summary on, without the new prompt. */
  readonly history: readonly HistoryMessage[];
  readonly sink: TurnSink;
  /** Is told what a file holds before it is changed (section 4, Taking back). */
  readonly keeper?: FileKeeper;
  /** Aborted when the run is cancelled; the turn returns once all that it began has ended. */
  readonly signal: AbortSignal;
  /** Opens a session for a sub-task of this turn. */
  openChild(title: string): ChildSession;
  /** Asks the client that sent the prompt (section 7). */
  readonly ask: AskClient;
  /** Asks the same client for input for a tool server (section 7); like {@link TurnRequest.ask}. */
  requestInput(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
  /** The tools of that client, as they were when the turn began; absent if it can have none. */
  readonly clientTools?: TurnTools;
  /** The files of its editor; absent if it can have none. */
  readonly files?: EditorFiles;
  /** Where an engine that keeps sessions of its own notes which of them belongs to this session. */
  readonly ownSession?: OwnSessionNote;
  /** Set if another server has begun the turn: then this one goes on with it. */
  readonly begun?: BegunTurn;
  /** Whether the run goes on after the loss of its server: see {@link TurnSink.together}. */
  goesOn?(): boolean;
  /** Aborted when no further model or tool call may begin: the turn then rejects with `TurnParked`. */
  readonly parking?: Pick<AbortSignal, "aborted">;
}

/** The session of an engine's own behind a session. */
export interface OwnSession {
  readonly engine: string;
  /** The id that the engine gave to it. */
  readonly id: string;
  /** The last message of our session that it knows; absent if it knows none. */
  readonly upTo?: string;
}

/** Keeps the {@link OwnSession} of one session over restarts. */
export interface OwnSessionNote {
  read(): OwnSession | undefined;
  /** Resolves once it is stored, like {@link TurnSink.stored}. */
  write(own: OwnSession): Promise<void>;
}

/** A turn that another server has begun. */
export interface BegunTurn {
  /** Its messages so far, in order; without `reply`, and without what is not sent to a model again. */
  readonly messages: readonly HistoryMessage[];
  /** The ids of all its messages that are stored, those that are not among `messages` too. */
  readonly ids: ReadonlySet<string>;
  /** What it had used at its last finished model call. */
  readonly progress?: TurnProgress;
  /** The whole reply whose calls have not all ended, and the message of their results. */
  readonly reply?: { readonly assistant: MessageWriter; readonly results?: MessageWriter };
  /** Whether the commands of that server may still run. */
  readonly mayStillRun: boolean;
}

/** How a turn ended. */
export interface TurnOutcome {
  /** `interrupted`: it was begun by a server that is gone, and could not be gone on with. */
  readonly status: "succeeded" | "failed" | "cancelled" | "interrupted";
  /** The last assistant message. */
  readonly messageId?: string;
  /** The text of that message. */
  readonly text: string;
  /** Set if the turn failed: a message for a person, a name for a program, and the cause. */
  readonly error?: string;
  readonly errorName?: RunErrorName;
  /** The value that the run was asked for (`outputSchema`); set if it succeeded and one was. */
  readonly output?: unknown;
  readonly cause?: RunCause;
  /** How many permissions were refused, including those of sub-tasks; absent if none was. */
  readonly denials?: number;
}

/** A user's prompt. */
export interface Prompt {
  readonly text: string;
  readonly attachments: readonly PromptAttachment[];
}

/** An attachment of a prompt, already read. */
export interface PromptAttachment {
  readonly name: string;
  readonly mimeType: string;
  readonly data: Uint8Array;
  /** The path of its file, as the client named it. */
  readonly path?: string;
}

/** A stored message for a model's history, with the bytes of its attachments. */
export interface HistoryMessage
  extends Pick<Message, "id" | "role" | "parts" | "isSummary" | "model" | "provider"> {
  /** By the index of their `attachment` part. */
  readonly attachmentData?: ReadonlyMap<number, Uint8Array>;
  readonly circumstances?: Circumstances;
}

/** A prompt that has joined a turn, and its message. */
export interface FoldedPrompt {
  readonly prompt: Prompt;
  readonly message: HistoryMessage;
}

/** Receives everything that a turn does. Every call except {@link TurnSink.stored} is synchronous. */
export interface TurnSink {
  /**
   * Resolves once everything is stored: at once, unless another program is known to hold the database.
   * Wait for it before an action that must not be forgotten. Resolves early if the run is cancelled.
   * Absent if nothing ever waits.
   *
   * @throws DomainError `StorageFailed` if it cannot be stored.
   */
  stored?(): Promise<void>;
  /**
   * Makes the changes of `work` in one commit. With `isDurable`, not even a power cut loses it: so that
   * it is known what a tool was about to do.
   */
  together?(work: () => void, isDurable?: boolean): void;
  /** Notes how far the turn has come. Call it with {@link TurnSink.addUsage}, in one commit. */
  progressed?(progress: TurnProgress): void;
  /** Notes what the tools remember. Call it in the commit that stores the results of their calls. */
  remembered?(memory: ToolMemory): void;
  /** As {@link TurnSink.createMessage}, for what the user says; returns it as history. */
  say(prompt: Prompt, circumstances?: Circumstances): HistoryMessage;
  /** Stores a message and tells the clients, in the next few turns of the event loop. */
  createMessage(message: NewMessage): MessageWriter;
  /**
   * Reports how full the model's context is after a call, before the usage of the call is added.
   */
  filled(context: { readonly tokens: number; readonly window?: number }): void;
  /** Replaces the session's list of tasks. */
  setTodos(todos: readonly Todo[]): void;
  /** Adds to the session's totals and the turn's. */
  addUsage(usage: Usage): void;
  /**
   * Takes the queued prompts that join the turn at its next model call, in the order of the queue
   * (section 4, Queue), and stores each as a message of the user, in the commit in which it joins.
   * Called right before each model call, also the first; the turn then adds them to the conversation.
   */
  takeFolded(): readonly FoldedPrompt[];
  /** Adds a warning to the completion, for a person. The same warning is added only once. */
  warn(warning: string): void;
  /** Tells clients what the turn is busy with. May be lost. */
  busyWith(activity: Activity): void;
  /**
   * Notes on an attachment of a stored message that it must not be shown to a model
   * (`provider/model`) again.
   */
  refused(messageId: string, partIndex: number, model: string): void;
  /** Makes a stored summary the beginning of the session's history. */
  setSummary(messageId: string): void;
}

/** The first content of a new message. */
export interface NewMessage {
  readonly role: Message["role"];
  readonly parts?: readonly Part[];
  readonly model?: string;
  readonly provider?: string;
  readonly isSummary?: boolean;
  /** By the index of their `attachment` part. */
  readonly attachmentData?: ReadonlyMap<number, Uint8Array>;
  readonly circumstances?: Circumstances;
}

/**
 * A message being written. Every call is synchronous and tells the clients, behind the message itself;
 * appended text is written in batches, at most 250 ms later and at each part's end.
 */
export interface MessageWriter {
  readonly id: string;
  /** The parts as they are now. */
  readonly parts: readonly Part[];
  /** The bytes of its attachments, by the index of their parts. */
  readonly attachmentData: ReadonlyMap<number, Uint8Array>;
  /** Adds a part and returns its index. */
  addPart(part: Part): number;
  /** Adds an attachment with its bytes, which are stored with the message. */
  attach(part: Extract<Part, { type: "attachment" }>, data: Uint8Array): void;
  /**
   * Appends streamed text to a part: to the text of `text` and `reasoning`, to the input (a string
   * while the call's state is `streaming`) of `toolCall`, to the output of `toolResult`.
   */
  append(index: number, delta: string): void;
  /** Replaces a part by its next or final form; a tool's is stored with {@link TurnSink.stored}. */
  setPart(index: number, part: Part): void;
  /** Removes every part from `index` on: a retried call streams its parts again. */
  truncateParts(index: number): void;
  /** Adds the `finish` part; stored before it returns. The message takes nothing after it. */
  finish(reason: FinishReason, message?: string): void;
}

/** A session that belongs to a turn of another session: its messages are part of that turn. */
export interface ChildSession {
  readonly sessionId: string;
  /** Its usage counts for both sessions. No prompt ever joins it. */
  readonly sink: TurnSink;
}
