// The seam between the house and the engine that runs its turns. It holds types and nothing else: an engine
// needs this file and imports nothing of another engine, and the coordinator knows no more of an
// engine than what stands here.
//
// The way of a turn: the coordinator has accepted a run and has it prepared ({@link Engine.prepare}).
// Then it begins the run and hands it over once ({@link Turn.run} or {@link Turn.summarize}), with a
// sink for what is said and done, a way to ask, and a signal. The outcome that comes back is what the
// completion says.
import type { RunErrorName } from "../base/runErrors.js";
import type { PermissionRules, ResolvedConfig } from "../config/types.js";
import type { Command } from "../protocol/objects/command.js";
import type { FinishReason, Message, Part } from "../protocol/objects/message.js";
import type { SandboxInfo, SelectedModel } from "../protocol/objects/model.js";
import type { RunCause, Usage } from "../protocol/objects/run.js";
import type { Todo } from "../protocol/objects/session.js";
import type { SessionServers } from "../protocol/objects/sessionServer.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type {
  Activity,
  InputAnswer,
  InputQuestion,
  PermissionAnswer,
  ToolQuestion,
} from "../protocol/registry.js";

/** The workspace that an engine is built for. */
export interface EngineWorkspace {
  readonly id: string;
  /** Its real path. */
  readonly path: string;
  /** Whether its own files may set what can run code. */
  readonly trusted: boolean;
  /** `createWorkspace.env`. */
  readonly env: Readonly<Record<string, string>>;
}

/** What a turn is prepared with: the configuration as it is now, and the models chosen from it. */
export interface EngineSetup {
  readonly config: ResolvedConfig;
  readonly large: SelectedModel;
  readonly small: SelectedModel;
  /** The session that the turn is of. */
  readonly sessionId?: string;
  /** Not as they were at the turn's beginning: both may change while it runs. */
  readonly permissions: {
    /** The mode as it is at the moment. */
    mode(): PermissionMode;
    /** The rules as the files have them at the moment. Rejects with `ConfigInvalid`. */
    rules(): Promise<PermissionRules>;
  };
}

/** Runs the turns of one workspace, and owns every process that they leave running. */
export interface Engine {
  /**
   * Makes one turn ready: the slow work, which comes after acceptance and which a cancel reaches.
   *
   * @throws DomainError where the turn can't begin; the signal's reason once it is aborted.
   */
  prepare(setup: EngineSetup, signal: AbortSignal): Promise<Turn>;
  /** What commands would be confined to, with a configuration that asks for it. Never rejects. */
  sandbox?(config: ResolvedConfig): Promise<SandboxInfo>;
  /** Gives a session tool servers of its own, in the place of those that it had. */
  setSessionServers?(sessionId: string, servers: SessionServers): Promise<void>;
  /** What a prompt of a session, or of any, may begin with. Rejects only with the signal's reason. */
  commands?(
    config: ResolvedConfig,
    signal: AbortSignal,
    sessionId?: string,
  ): Promise<readonly Command[]>;
  /** Begins to load what the first turn will need; never waits, never throws. */
  warmUp?(setup: EngineSetup): void;
  /** Forgets what was kept for a session. */
  forgetSession(sessionId: string): Promise<void>;
  /** Ends every process of the workspace. No turn runs any more when it is called. */
  dispose(): Promise<void>;
}

/** One turn, ready to begin. */
export interface Turn {
  /** Runs a prompt to its end. Throws only what is unexpected. */
  run(request: TurnRequest): Promise<TurnOutcome>;
  /** Summarises the history. Throws only what is unexpected. */
  summarize(request: Omit<TurnRequest, "prompt">): Promise<TurnOutcome>;
  /** A title for a session that begins with `prompt`; undefined where there is none to be had. */
  title(
    prompt: string,
    sink: Pick<TurnSink, "addUsage">,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

/** What a turn is given when it begins. */
export interface TurnRequest {
  readonly sessionId: string;
  readonly prompt: Prompt;
  /** The session's messages, from its summary on, without the new prompt. */
  readonly history: readonly HistoryMessage[];
  readonly sink: TurnSink;
  /** Aborted when the run is cancelled; the turn returns once all that it began has ended. */
  readonly signal: AbortSignal;
  /** Opens a session for a part of this turn that is worked on apart (a sub-task). */
  openChild(title: string): ChildSession;
  /**
   * Asks the client that sent the prompt (section 7). Resolves with undefined where nobody can answer;
   * rejects with the signal's reason once it is aborted.
   */
  ask(question: ToolQuestion, signal: AbortSignal): Promise<PermissionAnswer | undefined>;
  /** Asks the same for what a tool server wants to know (section 7); as {@link TurnRequest.ask}. */
  requestInput(question: InputQuestion, signal: AbortSignal): Promise<InputAnswer | undefined>;
}

/** How a turn ended. */
export interface TurnOutcome {
  readonly status: "succeeded" | "failed" | "cancelled";
  /** The last assistant message. */
  readonly messageId?: string;
  /** The text of that message. */
  readonly text: string;
  /** Set when failed: for a person, for a program, and what is to blame. */
  readonly error?: string;
  readonly errorName?: RunErrorName;
  readonly cause?: RunCause;
  /** How many permissions were refused, those of sub-tasks included; absent where none was. */
  readonly denials?: number;
}

/** What a user says. */
export interface Prompt {
  readonly text: string;
  readonly attachments: readonly PromptAttachment[];
}

/** Bytes that go along with a prompt, already read. */
export interface PromptAttachment {
  readonly name: string;
  readonly mimeType: string;
  readonly data: Uint8Array;
  /** The file that it was read from, as the client named it. */
  readonly path?: string;
}

/** A stored message as a model's history needs it: with the bytes of its attachments. */
export interface HistoryMessage
  extends Pick<Message, "id" | "role" | "parts" | "isSummary" | "model" | "provider"> {
  /** By the index of their `attachment` part. */
  readonly attachmentData?: ReadonlyMap<number, Uint8Array>;
  readonly circumstances?: Circumstances;
}

/**
 * What a model is told along with what a user says, as it was when it was said: kept with the message,
 * so that later calls send the same bytes again (`protocol.md` section 4, What a model is told). It is
 * no part of the message that a client sees.
 */
export interface Circumstances {
  /** What the system prompt says from this message on. Only the first message of a history has it. */
  readonly begin?: SessionBegin;
  /** The state of git, and the day where it is no longer the one in the system prompt. */
  readonly surroundings?: string;
  /** What `AGENTS.md` says now, where that is something else than before; empty where it is gone. */
  readonly newAgentsMd?: string;
}

/** What the system prompt of a session says of the moment at which its history begins. */
export interface SessionBegin {
  /** As YYYY-MM-DD. */
  readonly date: string;
  /** What `AGENTS.md` said; empty where there was none. */
  readonly agentsMd: string;
}

/** Where a turn's doings go. Every call is synchronous. */
export interface TurnSink {
  /** Stores what the user says, tells the clients, and returns it as history. */
  say(prompt: Prompt, circumstances?: Circumstances): HistoryMessage;
  /** Stores a message and tells the clients. */
  createMessage(message: NewMessage): MessageWriter;
  /** Says how full the model's context is after a call, before what the call used is added. */
  filled(context: { readonly tokens: number; readonly window?: number }): void;
  /** Replaces the session's list of what is to do. */
  setTodos(todos: readonly Todo[]): void;
  /** Adds to the session's totals and the turn's. */
  addUsage(usage: Usage): void;
  /**
   * Takes the queued prompts that join the turn at its next model call, oldest first (section 4,
   * Queue). Called right before each model call, the first too; the turn then says them.
   */
  takeFolded(): readonly Prompt[];
  /** What the completion tells a person beside the outcome; said twice, it is told once. */
  warn(warning: string): void;
  /** Tells whoever watches what the turn is busy with. May be lost. */
  busyWith(activity: Activity): void;
  /**
   * Notes on an attachment of a stored message of the session that a model (`provider/model`) is not
   * to be shown it again.
   */
  refused(messageId: string, partIndex: number, model: string): void;
  /** Makes a stored summary the beginning of the session's history. */
  setSummary(messageId: string): void;
}

/** What a new message begins with. */
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
 * A message being written. Every call is synchronous and tells the clients; what is appended
 * reaches the disk in batches, at most 250 ms later and at each part's end.
 */
export interface MessageWriter {
  readonly id: string;
  /** The parts as they are now. */
  readonly parts: readonly Part[];
  /** Adds a part and returns its index. */
  addPart(part: Part): number;
  /**
   * Appends streamed text to a part: to the text of `text` and `reasoning`, to the input (a string
   * while the call's state is `streaming`) of `toolCall`, to the output of `toolResult`.
   */
  append(index: number, delta: string): void;
  /** Replaces a part by its next or final form; stored before it returns. */
  setPart(index: number, part: Part): void;
  /** Takes back every part from `index` on: a retried call starts its streamed part afresh. */
  truncateParts(index: number): void;
  /** Adds the `finish` part; stored before it returns. The message takes nothing after it. */
  finish(reason: FinishReason, message?: string): void;
}

/** A session that belongs to a turn of another: its messages are part of that turn. */
export interface ChildSession {
  readonly sessionId: string;
  /** What it uses counts for both sessions. No prompt ever joins it. */
  readonly sink: TurnSink;
}
