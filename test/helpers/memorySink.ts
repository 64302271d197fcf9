import { defined } from "../../src/base/defined.js";
import type { TurnProgress } from "../../src/base/turnProgress.js";
import { userMessage } from "../../src/coordinator/userMessage.js";
import type {
  Circumstances,
  FoldedPrompt,
  HistoryMessage,
  MessageWriter,
  NewMessage,
  Prompt,
  TurnSink,
} from "../../src/engine/engine.js";
import type { FinishReason, Part } from "../../src/protocol/objects/message.js";
import type { Usage } from "../../src/protocol/objects/run.js";
import type { Todo } from "../../src/protocol/objects/session.js";
import type { Activity } from "../../src/protocol/registry.js";

/** A message in memory that refuses what a stored one would refuse. */
export class MemoryMessage implements MessageWriter {
  readonly id: string;
  readonly start: NewMessage;
  readonly parts: Part[];
  readonly attachmentData = new Map<number, Uint8Array>();
  readonly #onChange: (what: string) => void;
  #isFinished = false;

  constructor(id: string, start: NewMessage, onChange: (what: string) => void) {
    this.id = id;
    this.start = start;
    this.parts = (start.parts ?? []).map((part) => ({ ...part }));
    this.#onChange = onChange;
  }

  get role(): NewMessage["role"] {
    return this.start.role;
  }

  /** The text of its text parts. */
  get text(): string {
    return this.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  }

  get finished(): Extract<Part, { type: "finish" }> | undefined {
    return this.parts.find((part) => part.type === "finish");
  }

  addPart(part: Part): number {
    this.#assertOpen();
    this.#onChange(`${this.id} add ${part.type}`);
    return this.parts.push({ ...part }) - 1;
  }

  attach(part: Extract<Part, { type: "attachment" }>, data: Uint8Array): void {
    this.attachmentData.set(this.addPart(part), data);
  }

  append(index: number, delta: string): void {
    const part = this.#part(index);
    if (part.type === "text" || part.type === "reasoning") part.text += delta;
    else if (part.type === "toolResult") part.output += delta;
    else if (part.type === "toolCall" && typeof part.input === "string") part.input += delta;
    else throw new TypeError(`a part of type ${part.type} does not stream`);
    this.#onChange(`${this.id} append ${part.type}`);
  }

  setPart(index: number, part: Part): void {
    this.#part(index);
    this.parts[index] = { ...part };
    this.#onChange(
      `${this.id} set ${part.type}${part.type === "toolCall" ? ` ${part.state}` : ""}`,
    );
  }

  truncateParts(index: number): void {
    this.#assertOpen();
    this.parts.length = Math.min(index, this.parts.length);
    this.#onChange(`${this.id} truncate`);
  }

  finish(reason: FinishReason, message?: string): void {
    this.#assertOpen();
    this.#isFinished = true;
    this.parts.push({ type: "finish", reason, ...defined({ message }) });
    this.#onChange(`${this.id} finish ${reason}`);
  }

  #part(index: number): Part {
    this.#assertOpen();
    const part = this.parts[index];
    if (part === undefined) throw new RangeError(`${this.id} has no part ${index}`);
    return part;
  }

  #assertOpen(): void {
    if (this.#isFinished) throw new Error(`${this.id} is finished and takes nothing`);
  }
}

/** A {@link TurnSink} that keeps everything in memory, with a journal of what was done in order. */
export class MemorySink implements TurnSink {
  readonly messages: MemoryMessage[] = [];
  readonly usages: Usage[] = [];
  /** How far the turn had come, each time that this was noted. */
  readonly progress: TurnProgress[] = [];
  readonly warnings: string[] = [];
  readonly activities: Activity[] = [];
  readonly fills: { readonly tokens: number; readonly window?: number }[] = [];
  todos: readonly Todo[] | undefined;
  readonly refusals: string[] = [];
  readonly journal: string[] = [];
  /** What the next call of `takeFolded` takes, call by call. */
  readonly folds: Prompt[][] = [];
  summaryId: string | undefined;
  /** Called after every change, with its line of the journal. */
  onChange: (what: string) => void = () => {};

  say(prompt: Prompt, circumstances?: Circumstances): HistoryMessage {
    const message = { ...userMessage(prompt), ...defined({ circumstances }) };
    return { id: this.createMessage(message).id, ...message };
  }

  createMessage(message: NewMessage): MemoryMessage {
    const id = `m${this.messages.length + 1}`;
    const created = new MemoryMessage(id, message, (what) => this.#note(what));
    this.messages.push(created);
    this.#note(`${id} create ${message.role}`);
    return created;
  }

  filled(context: { readonly tokens: number; readonly window?: number }): void {
    this.fills.push(context);
  }

  setTodos(todos: readonly Todo[]): void {
    this.todos = todos;
  }

  addUsage(usage: Usage): void {
    this.usages.push(usage);
  }

  progressed(progress: TurnProgress): void {
    this.progress.push(progress);
  }

  takeFolded(): readonly FoldedPrompt[] {
    this.#note("takeFolded");
    return (this.folds.shift() ?? []).map((prompt) => ({ prompt, message: this.say(prompt) }));
  }

  warn(warning: string): void {
    this.warnings.push(warning);
  }

  busyWith(activity: Activity): void {
    this.activities.push(activity);
  }

  refused(messageId: string, partIndex: number, model: string): void {
    this.refusals.push(`${messageId} ${partIndex} ${model}`);
  }

  setSummary(messageId: string): void {
    this.summaryId = messageId;
    this.#note(`summary ${messageId}`);
  }

  /** The roles of the stored messages, in order. */
  get roles(): string[] {
    return this.messages.map((message) => message.role);
  }

  /** The newest message. */
  get last(): MemoryMessage {
    const message = this.messages.at(-1);
    if (message === undefined) throw new Error("nothing is stored");
    return message;
  }

  #note(what: string): void {
    this.journal.push(what);
    this.onChange(what);
  }
}
