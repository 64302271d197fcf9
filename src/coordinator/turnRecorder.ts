// Stores what a turn does, and sends the events. Streamed content is written in batches (at most
// 250 ms later, and at the turn's end). What a tool is about to do is written at once.

import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { merged } from "../base/merged.js";
import { cutText } from "../base/text.js";
import type { ToolMemory } from "../base/toolMemory.js";
import type { TurnProgress } from "../base/turnProgress.js";
import { longestWarning } from "../base/warnings.js";
import type {
  Circumstances,
  FoldedPrompt,
  HistoryMessage,
  NewMessage,
  Prompt,
  TurnSink,
} from "../engine/engine.js";
import type { Message } from "../protocol/objects/message.js";
import type { Usage } from "../protocol/objects/run.js";
import type { Todo } from "../protocol/objects/session.js";
import type { Activity, LossyEvent } from "../protocol/registry.js";
import type { GoingOnStore } from "../storage/goingOnStore.js";
import type { MessageRow } from "../storage/messageRows.js";
import type { MessageStore } from "../storage/messageStore.js";
import type { RunRow, RunStore } from "../storage/runStore.js";
import type { SessionStore } from "../storage/sessionStore.js";
import type { Announcer } from "./coordinatorOptions.js";
import { foldedPrompts } from "./foldedPrompts.js";
import { MessageBatches } from "./messageBatches.js";
import type { Delta, MessageOutlet, MessageRecorder } from "./messageRecorder.js";
import { newMessage, reopenedMessage } from "./newMessage.js";
import type { PatientWrites } from "./patientWrites.js";
import { noteRefusal } from "./refusedAttachment.js";
import { RunWarnings } from "./runWarnings.js";
import { sumOfUsage } from "./sumOfUsage.js";
import { TurnMessages } from "./turnMessages.js";
import { userMessage } from "./userMessage.js";

/** What a turn's recorder needs. */
export interface TurnRecorderOptions {
  readonly run: Pick<RunRow, "position" | "workspaceId" | "sessionId" | "runId">;
  readonly sessions: SessionStore;
  readonly runs: RunStore;
  readonly messages: MessageStore;
  /** The run's, its sub-tasks' too. */
  readonly writes: PatientWrites;
  /** The run's. */
  readonly signal: AbortSignal;
  readonly announcer: Announcer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /**
   * Takes the queued prompts that join the turn now; `store` writes their messages, in the same commit.
   */
  takeFolded(store: (prompts: readonly Prompt[]) => void): readonly Prompt[];
  /** Tells that the session's totals changed. */
  sessionChanged(): void;
  /** For a sub-task: its usage, warnings and activity are also reported to its parent. */
  readonly parent?: Pick<TurnSink, "addUsage" | "warn" | "busyWith" | "progressed">;
  readonly goingOn: GoingOnStore;
  /** Whether the run goes on after the loss of its server. */
  goesOn(): boolean;
}

/** Records one turn. */
export class TurnRecorder implements TurnSink {
  /** The members that every event of the turn carries. */
  readonly eventHead: { workspaceId: string; sessionId: string; runId?: string };
  readonly #options: TurnRecorderOptions;
  readonly #batches: MessageBatches;
  readonly #outlet: MessageOutlet;
  #usage: Usage = { promptTokens: 0, completionTokens: 0, cost: 0 };
  #hasUsage = false;
  readonly #warnings = new RunWarnings();
  /** Those of its messages that could not be stored. */
  readonly #lost = new Set<string>();
  /** The messages that it has made. */
  readonly said = new TurnMessages();

  constructor(options: TurnRecorderOptions) {
    const { workspaceId, sessionId, runId } = options.run;
    this.#options = options;
    this.#batches = new MessageBatches(options);
    this.eventHead = { workspaceId, sessionId, ...defined({ runId }) };
    this.#outlet = {
      now: () => options.clock.now(),
      attached: (...attachment) =>
        options.writes.write(() => options.messages.attach(...attachment)),
      store: (recorder, when) => this.#batches.store(recorder, when),
      updated: (message) =>
        this.#tell(message.id, () => this.#emitMessage("messageUpdated", message)),
      streamed: (delta) => this.#tell(delta.messageId, () => this.#emitDelta(delta)),
    };
  }

  /** The turn's usage so far, if a model has reported any. */
  get usage(): Usage | undefined {
    return this.#hasUsage ? this.#usage : undefined;
  }

  /** The warnings of its completion, if there are any. */
  get warnings(): string[] | undefined {
    return this.#warnings.list;
  }

  say(prompt: Prompt, circumstances?: Circumstances): HistoryMessage {
    const message = { ...userMessage(prompt), ...defined({ circumstances }) };
    return { id: this.createMessage(message).id, ...message };
  }

  /**
   * What is told can be read, so it is written first, and what the message brings is told behind that. Where
   * many sessions are busy, or the model can be asked meanwhile, it waits for a commit that it can share; a
   * message of results, for the one that marks their calls as running. Not so if the run has to be found as
   * far as it had come.
   */
  createMessage(message: NewMessage): MessageRecorder {
    const { recorder, insert } = newMessage(message, this.#options, this.#outlet);
    const { writes, goesOn } = this.#options;
    // A reply's first text is not held up where no other session saves a commit by it.
    const isUseful = message.role !== "assistant" || writes.isShared;
    const isSoon = isUseful && !goesOn() && !writes.isCollecting;
    const created = recorder.snapshot();
    const tell = () => this.#emitMessage("messageCreated", created);
    if (isSoon) writes.writeSoon(insert, tell, (error) => this.#lose(recorder, error));
    else this.#insert(insert);
    this.said.add(recorder);
    if (!isSoon) writes.early.afterwards(tell);
    return recorder;
  }

  /** Tells what follows a message behind the message. */
  #tell(messageId: string, tell: () => void): void {
    this.#options.writes.early.afterwards(() => {
      if (!this.#lost.has(messageId)) tell();
    });
  }

  /** It is not stored, and is told of nowhere. The run fails with its next write. */
  #lose(recorder: MessageRecorder, error: unknown): void {
    this.#lost.add(recorder.id);
    this.#batches.forget(recorder);
    const fields = { message: recorder.id, reason: messageOf(error) };
    this.#options.log.error(fields, "a message could not be stored");
  }

  /** Of a run that goes on, each message is whole on disk before the next one begins. */
  #insert(insert: () => void): void {
    this.together(() => {
      if (this.#options.goesOn()) this.flush();
      this.#options.writes.write(insert);
    });
  }

  /** Goes on with a message that another server has begun. */
  reopen(row: MessageRow): MessageRecorder {
    const recorder = reopenedMessage(row, this.#options.messages, this.#outlet);
    this.said.add(recorder);
    return recorder;
  }

  together = (work: () => void, isDurable = false) =>
    this.#options.writes.together(work, isDurable);

  progressed(progress: TurnProgress): void {
    const { goesOn, goingOn, run, parent, writes } = this.#options;
    if (parent !== undefined) parent.progressed?.(progress);
    if (parent !== undefined || !goesOn()) return;
    this.flush(); // The reply must be there when it counts as whole.
    writes.write(() => goingOn.setProgress(run.position, JSON.stringify(progress)));
  }

  remembered(memory: ToolMemory): void {
    const { goesOn, goingOn, run, parent, writes } = this.#options;
    if (parent !== undefined || !goesOn()) return;
    writes.write(() => goingOn.setMemory(run.position, JSON.stringify(memory)));
  }

  addUsage(usage: Usage): void {
    this.#hasUsage = true;
    this.#usage = sumOfUsage(this.#usage, usage);
    const { sessions, runs, run, clock, parent } = this.#options;
    const now = clock.now();
    const write = () => {
      sessions.addUsage(run.sessionId, usage, now);
      // The usage of a sub-task reaches its run through its parent.
      if (parent === undefined) runs.addUsage(run.position, usage);
    };
    // What is told is read, so it must have been written.
    this.#count(write, () => this.#options.sessionChanged());
    parent?.addUsage(usage);
  }

  filled({ tokens, window }: { readonly tokens: number; readonly window?: number }): void {
    const { sessions, run } = this.#options;
    this.#count(() => sessions.setContext(run.sessionId, tokens, window));
  }

  /** Whoever goes on with a run must find what it had used by its last reply. */
  #count(write: () => void, told: () => void = () => {}): void {
    const { writes, goesOn } = this.#options;
    if (!goesOn()) {
      writes.writeLater(write, told);
      return;
    }
    writes.write(write);
    writes.thenTell(told);
  }

  setTodos(todos: readonly Todo[]): void {
    const { sessions, run, clock, announcer, writes } = this.#options;
    const [text, now] = [JSON.stringify(todos), clock.now()];
    writes.write(() => sessions.setTodos(run.sessionId, text, now));
    announcer.emit({ method: "todosChanged", params: { ...this.eventHead, todos: [...todos] } });
    writes.thenTell(() => this.#options.sessionChanged());
  }

  warn(warning: string): void {
    const { parent } = this.#options;
    if (parent === undefined) this.#warnings.add(warning);
    else parent.warn(warning);
  }

  busyWith({ reason, ...activity }: Activity): void {
    const shown = reason === undefined ? undefined : cutText(reason, longestWarning);
    const params = { ...this.eventHead, ...activity, ...defined({ reason: shown }) };
    const { writes, announcer } = this.#options;
    // It holds until the next event of the run.
    writes.early.afterwards(() => announcer.emit({ method: "runActivity", params }));
    this.#options.parent?.busyWith({ ...activity, ...defined({ reason: shown }) });
  }

  refused(messageId: string, partIndex: number, model: string): void {
    // What a tool has just attached may not be stored yet, and would be written over this.
    this.flush();
    const changed = noteRefusal({ messageId, partIndex, model }, this.#options);
    if (changed !== undefined) this.#emitMessage("messageUpdated", changed);
  }

  takeFolded(): readonly FoldedPrompt[] {
    return foldedPrompts(this.#options, this.#outlet, (recorder) => {
      this.said.add(recorder);
      this.#emitMessage("messageCreated", recorder.snapshot());
    });
  }

  setSummary(messageId: string): void {
    const { sessions, run, clock, writes } = this.#options;
    const now = clock.now();
    writes.write(() => sessions.setSummary(run.sessionId, messageId, now));
    writes.write(() => sessions.setContext(run.sessionId, undefined, undefined));
    writes.thenTell(() => this.#options.sessionChanged());
  }

  stored = () => this.#options.writes.stored(this.#options.signal);

  /** Writes the content since the last batch, or has it written. */
  flush(): void {
    this.#batches.flush();
    this.#options.writes.writeWaiting();
  }

  /** As {@link flush}, in the transaction that ends the run. */
  write(): void {
    this.#batches.write();
  }

  /** Ends the batches. Content that was not flushed is lost. */
  close(): void {
    this.#batches.close();
  }

  #emitMessage(method: "messageCreated" | "messageUpdated", message: Message): void {
    const event: LossyEvent = { method, params: { ...this.eventHead, message } };
    this.#options.announcer.emit(event);
  }

  #emitDelta(delta: Delta): void {
    const params = merged(this.eventHead, delta);
    this.#options.announcer.emit({ method: "messageDelta", params });
  }
}
