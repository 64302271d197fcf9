import { createHash } from "node:crypto";
import { type BuiltInCommand, builtInCommandIn } from "../base/builtInCommand.js";
import { canonicalJson } from "../base/canonicalJson.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { LateAbort, type LateSignal } from "../base/lateAbort.js";
import type { TraceParent } from "../base/telemetry.js";
import type { Prompt, TurnOutcome } from "../engine/engine.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { StoredRunState } from "../storage/runStore.js";
import type { PatientWrites } from "./patientWrites.js";
import {
  isEmpty,
  noOptions,
  optionsText,
  type RequestedOptions,
  type WhenBusy,
} from "./runOptions.js";
import type { RunTerms } from "./runTerms.js";
import type { RunRef } from "./sessionState.js";
import type { TurnRecorder } from "./turnRecorder.js";

/** A client's request for a run. */
export interface RunRequest {
  readonly sessionId: string;
  readonly runId: string | undefined;
  /** The client that gets the completion. */
  readonly clientId: string;
  /** How long its questions wait while no connection of the client lives, in seconds; 0 by default. */
  readonly permissionSeconds?: number;
  readonly kind: "prompt" | "summary";
  readonly prompt: Prompt;
  readonly options: RequestedOptions;
  readonly whenBusy: WhenBusy;
  /** Set if the run goes on after the loss of its server. */
  readonly terms?: RunTerms | undefined;
  /** What held when it was accepted; needed if a run joins it that goes on after a loss. */
  readonly held?: RunTerms;
  /** Where its client says that it belongs in a trace; undefined if telemetry is off. */
  readonly parent?: TraceParent;
}

/** What is known of a run that was taken over from another server. */
export interface TakenOver {
  readonly epoch: number;
  /** How often a server has gone on with it. */
  readonly continuations: number;
  readonly state: StoredRunState;
  /** Whether its turn had begun. */
  readonly hasBegun: boolean;
  /** What its turn had used at its last finished model call, as it is stored. */
  readonly progress: string | undefined;
  /** The mark of the commands that its turn may have begun. */
  readonly commandMark: string | undefined;
}

/** A run as the state machine of its session knows it. */
export function refOf(
  position: number,
  request: Pick<RunRequest, "runId" | "kind" | "whenBusy" | "prompt" | "terms">,
): RunRef {
  const { runId, kind, whenBusy, prompt, terms } = request;
  // A command of the program's own is nothing that a running turn could tell its model.
  const joins = whenBusy === "join" && builtInCommandIn(prompt.text) === undefined;
  const goesOn = terms === undefined ? undefined : (true as const);
  return { position, runId, kind, joins, ...defined({ goesOn }) };
}

/** An accepted run while this server has it. */
export class AcceptedRun {
  #ref: RunRef;
  #request: RunRequest;
  /** The outcome of the run; resolves once it is on disk. */
  readonly ended = new Deferred<TurnOutcome>();
  readonly #abort = new AbortController();
  readonly #parking = new LateAbort();
  /** Whether its turn has stopped for {@link parking}. */
  hasParked = false;
  /** Whether its turn has gone on here, or begun here. */
  isUnderWay = false;
  /** What its turn writes; those of its sub-tasks write into the same. */
  writes: PatientWrites | undefined;
  recorder: TurnRecorder | undefined;
  /** The recorders of its sub-tasks, by their sessions. */
  readonly children = new Map<string, TurnRecorder>();
  /** Whether its turn has begun. */
  hasBegun = false;
  /** Whether this server has written its outcome. */
  hasEndedHere = false;
  /** Prompts that joined its turn. */
  folded = 0;
  /** Of these, the runs with a `runId`, in order of acceptance: they end with its turn. */
  readonly joined: AcceptedRun[] = [];
  #hasJoined = false;
  /** Why it was cancelled. */
  cause: RunCause | undefined;
  #promptBytes: number;
  /** Set if it was taken over. */
  readonly takenOver: TakenOver | undefined;
  #isLost = false;
  /** Whether it goes on after the loss of its server, by itself or for one that has joined it. */
  goesOn: boolean;

  constructor(ref: RunRef, request: RunRequest, takenOver?: TakenOver) {
    this.#ref = ref;
    this.#request = request;
    this.takenOver = takenOver;
    this.hasBegun = takenOver?.hasBegun ?? false;
    this.goesOn = request.terms !== undefined;
    this.#promptBytes = promptBytes(request);
  }

  get ref(): RunRef {
    return this.#ref;
  }

  get request(): RunRequest {
    return this.#request;
  }

  /** The program's own command that its prompt is; undefined for everything else. */
  get command(): BuiltInCommand | undefined {
    const { kind, prompt } = this.#request;
    return kind === "prompt" ? builtInCommandIn(prompt.text) : undefined;
  }

  /** The size of its prompt in memory, in bytes. */
  get promptBytes(): number {
    return this.#promptBytes;
  }

  /** Whether it has joined the turn of another run. */
  get hasJoined(): boolean {
    return this.#hasJoined;
  }

  /** Its prompt is a message of another run's turn now, and is not kept here any more. */
  join(turn: AcceptedRun): void {
    this.#hasJoined = true;
    this.#request = { ...this.#request, prompt: { text: "", attachments: [] } };
    this.#promptBytes = 0;
    turn.joined.push(this);
    turn.joined.sort((a, b) => a.ref.position - b.ref.position);
  }

  /** Replaces the text of its prompt; only while it waits. */
  edit(text: string): void {
    const { prompt } = this.#request;
    this.#request = { ...this.#request, prompt: { ...prompt, text } };
    this.#promptBytes = promptBytes(this.#request);
    this.#ref = refOf(this.#ref.position, this.#request);
  }

  /** What it writes counts only while it has this epoch. */
  get epoch(): number {
    return this.takenOver?.epoch ?? 0;
  }

  /** Whether another server has it now: nothing of it is written here any more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Aborted when its turn must begin nothing more, because the server ends. */
  get parking(): LateSignal {
    return this.#parking;
  }

  /** The server ends: its turn begins nothing more. */
  beginParking(): void {
    this.#parking.abort(new Error("the server ends"));
  }

  /** Another server has it: its turn is stopped, and writes nothing more. */
  lose(): void {
    this.#isLost = true;
    this.cancel("internal");
  }

  /** Aborted when the run is cancelled, from the moment of acceptance. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Writes the streamed content of its messages, also of its sub-tasks. Call it inside the
   * transaction that ends the run. If that is rolled back, it can be called again. `onError` gets
   * the errors of content that cannot be stored, and may throw.
   */
  writeMessages(onError: (error: unknown) => void): void {
    this.writes?.writeWithin(onError);
    this.recorder?.write();
    for (const child of this.children.values()) child.write();
  }

  /** Writes no more messages. Content that was not flushed is lost. */
  closeMessages(): void {
    this.writes?.close();
    this.recorder?.close();
    for (const child of this.children.values()) child.close();
  }

  /** Cancels the run. */
  cancel(cause: RunCause): void {
    this.cause ??= cause;
    this.#abort.abort(new Error(`cancelled (${cause})`));
  }
}

/** The size of a prompt with its attachments, in bytes. */
export function promptBytes({
  prompt,
  options = noOptions,
}: Pick<RunRequest, "prompt"> & Partial<Pick<RunRequest, "options">>): number {
  const asked = Buffer.byteLength(optionsText(options.effective) ?? "");
  return prompt.attachments.reduce(
    (sum, { data }) => sum + data.byteLength,
    Buffer.byteLength(prompt.text) + asked,
  );
}

/**
 * A hash that tells whether two prompts with one `runId` are equal (protocol.md section 4). Only
 * what the client sent counts: if a named file has changed since, the prompt is still the same.
 */
export function promptHash(request: Pick<RunRequest, "kind" | "prompt" | "options">): string {
  const hash = createHash("sha256").update(request.kind).update("\0").update(request.prompt.text);
  for (const { path, name, mimeType, data } of request.prompt.attachments) {
    if (path !== undefined) {
      hash.update(`\0${JSON.stringify({ path })}`);
    } else {
      hash.update(`\0${JSON.stringify({ name, mimeType, bytes: data.length })}`).update(data);
    }
  }
  const plain = hash.digest("hex");
  const { sent } = request.options;
  if (isEmpty(sent)) return plain;
  return createHash("sha256")
    .update(`${plain}\0${canonicalJson(sent)}`)
    .digest("hex");
}
