import { createHash } from "node:crypto";
import { Deferred } from "../base/deferred.js";
import type { Prompt, TurnOutcome } from "../engine/engine.js";
import type { RunCause } from "../protocol/objects/run.js";
import type { RunRef } from "./sessionState.js";
import type { TurnRecorder } from "./turnRecorder.js";

/** What a client asks to be run. */
export interface RunRequest {
  readonly sessionId: string;
  readonly runId: string | undefined;
  /** Whose completion it will be. */
  readonly clientId: string;
  readonly kind: "prompt" | "summary";
  readonly prompt: Prompt;
}

/** An accepted run while this server has it. */
export class AcceptedRun {
  readonly ref: RunRef;
  #request: RunRequest;
  /** How the run ended; resolves once that is on disk. */
  readonly ended = new Deferred<TurnOutcome>();
  readonly #abort = new AbortController();
  recorder: TurnRecorder | undefined;
  /** The recorders of its sub-tasks, by their sessions. */
  readonly children = new Map<string, TurnRecorder>();
  /** Whether its turn has begun. */
  hasBegun = false;
  /** Prompts that joined its turn. */
  folded = 0;
  /** Why it was cancelled. */
  cause: RunCause | undefined;
  #promptBytes: number;

  constructor(ref: RunRef, request: RunRequest) {
    this.ref = ref;
    this.#request = request;
    this.#promptBytes = promptBytes(request);
  }

  get request(): RunRequest {
    return this.#request;
  }

  /** What its prompt holds in memory, in bytes. */
  get promptBytes(): number {
    return this.#promptBytes;
  }

  /** Replaces the text of its prompt; only while it waits. */
  edit(text: string): void {
    const { prompt } = this.#request;
    this.#request = { ...this.#request, prompt: { ...prompt, text } };
    this.#promptBytes = promptBytes(this.#request);
  }

  /** Aborted when the run is cancelled, from the moment of acceptance. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /**
   * Writes what has streamed into its messages, those of its sub-tasks too. Belongs inside the
   * transaction that ends the run; where that is rolled back, it can be called again.
   */
  writeMessages(): void {
    this.recorder?.write();
    for (const child of this.children.values()) child.write();
  }

  /** Writes no more messages; what was not flushed is lost. */
  closeMessages(): void {
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
export function promptBytes({ prompt }: Pick<RunRequest, "prompt">): number {
  return prompt.attachments.reduce(
    (sum, { data }) => sum + data.byteLength,
    Buffer.byteLength(prompt.text),
  );
}

/**
 * What tells one prompt from another, for a repeated `runId` (protocol.md section 4): what the client
 * sent. A file that it named may have changed since it was accepted, and the prompt is the same.
 */
export function promptHash(request: Pick<RunRequest, "kind" | "prompt">): string {
  const hash = createHash("sha256").update(request.kind).update("\0").update(request.prompt.text);
  for (const { path, name, mimeType, data } of request.prompt.attachments) {
    if (path !== undefined) {
      hash.update(`\0${JSON.stringify({ path })}`);
    } else {
      hash.update(`\0${JSON.stringify({ name, mimeType, bytes: data.length })}`).update(data);
    }
  }
  return hash.digest("hex");
}
