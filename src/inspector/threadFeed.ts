/**
 * Hands what a pipe carries to the inspector's thread, without ever waiting for it: what the thread
 * is too slow for is left out, and told as a gap.
 */
import { Worker } from "node:worker_threads";
import type { ClientLoad } from "../base/clientLoad.js";
import { sleep, systemClock } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import type { Frame } from "../transport/framing.js";
import type { Side } from "./entries.js";
import type {
  CompletionAction,
  Figure,
  FromThread,
  ThreadSettings,
  ToThread,
} from "./threadMessages.js";

/** How long the thread may take for what is left, in milliseconds: a disk may never answer. */
const longestEndMs = 5000;
/** What may wait for the thread, in bytes. */
const mostWaiting = 64 * 1024 * 1024;

/** What a feed needs. */
export interface ThreadFeedOptions {
  /** The thread's program. */
  readonly program: URL;
  readonly settings: ThreadSettings;
  now(): number;
  /** Takes a sentence for the user. */
  onTrouble(text: string): void;
  /** Takes the link that opens the page. */
  onLink(link: string): void;
  /** How long the thread may take for what is left, in milliseconds; a few seconds unless told. */
  readonly longestEndMs?: number;
  /** Does what is asked for with a completion; returns why it cannot. */
  onAct?(action: CompletionAction): Promise<string | undefined>;
}

/** A feed to a thread that runs. */
export class ThreadFeed {
  readonly #options: ThreadFeedOptions;
  readonly #worker: Worker;
  readonly #done: Promise<void>;
  /** Resolves with the reason when the thread cannot do what it was asked for. */
  readonly failed: Promise<string>;
  #waiting = 0;
  readonly #skipped: Record<Side, number> = { client: 0, server: 0 };
  #isOver = false;

  constructor(options: ThreadFeedOptions) {
    this.#options = options;
    const { program, settings } = options;
    this.#worker = new Worker(program, {
      workerData: settings,
      env: {},
      argv: [],
      execArgv: [],
      // Otherwise Node would write it between the messages of the pipe.
      stdout: true,
      stderr: true,
    });
    const failed = new Deferred<string>();
    const done = new Deferred<void>();
    this.failed = failed.promise;
    this.#done = done.promise;
    this.#worker.on("message", (message: FromThread) => {
      if (message.kind === "taken") this.#waiting -= message.bytes;
      else if (message.kind === "trouble") options.onTrouble(message.text);
      else if (message.kind === "link") options.onLink(message.link);
      else if (message.kind === "act") void this.#act(message.id, message.action);
      else if (message.kind === "failed") failed.resolve(message.text);
      else done.resolve();
    });
    this.#worker.once("error", (error) => {
      this.#isOver = true;
      options.onTrouble(`nothing more is recorded or shown: ${error.message}`);
      done.resolve();
    });
    this.#worker.once("exit", () => {
      this.#isOver = true;
      done.resolve();
    });
    // It must not keep the process alive when the pipe has ended.
    this.#worker.unref();
  }

  /** Lets the thread keep the process alive, also without a pipe. */
  hold(): void {
    this.#worker.ref();
  }

  start(command: readonly string[], pid: number | undefined): void {
    this.#send({ kind: "start", at: this.#options.now(), command, ...defined({ pid }) });
  }

  /** Takes bytes that were passed on. They are copied: their memory may be used again. */
  push(from: Side | "stderr", chunk: Uint8Array): void {
    if (this.#isOver || chunk.length === 0) return;
    const at = this.#options.now();
    if (this.#waiting + chunk.length > mostWaiting) {
      if (from !== "stderr") this.#skipped[from] += chunk.length;
      return;
    }
    if (from !== "stderr") this.#tellSkipped(from, at);
    const bytes = new Uint8Array(chunk);
    this.#waiting += bytes.length;
    this.#send({ kind: "bytes", at, from, bytes }, [bytes.buffer]);
  }

  /** Takes a message of one of a server's channels. */
  frame(pipe: string, from: Side, frame: Frame): void {
    if (this.#isOver) return;
    const at = this.#options.now();
    const bytes = frame.kind === "text" ? frame.text.length : 0;
    if (this.#waiting + bytes > mostWaiting) {
      this.#skipped[from] += bytes;
      return;
    }
    this.#tellSkipped(from, at);
    this.#waiting += bytes;
    this.#send({ kind: "frame", at, pipe, from, frame });
  }

  /** One of a server's channels has ended. */
  closed(pipe: string): void {
    if (!this.#isOver) this.#send({ kind: "closed", at: this.#options.now(), pipe });
  }

  /** Tells how a server is, and what waits for its clients. */
  health(health: readonly Figure[], clients: readonly ClientLoad[]): void {
    if (!this.#isOver) this.#send({ kind: "health", health, clients });
  }

  /** Takes what a server has written to its log, and when. */
  log(text: string, at: number): void {
    if (this.#isOver || this.#waiting + text.length > mostWaiting) return;
    this.#waiting += text.length;
    this.#send({ kind: "log", at, text });
  }

  async #act(id: number, action: CompletionAction): Promise<void> {
    let refusal: string | undefined = "This cannot be done here.";
    try {
      refusal = this.#options.onAct === undefined ? refusal : await this.#options.onAct(action);
    } catch (error) {
      refusal = messageOf(error);
    }
    if (!this.#isOver) this.#send({ kind: "acted", id, ...defined({ refusal }) });
  }

  /** Tells how the server has ended; resolves when everything is written, or cannot be. */
  async end(code: number | undefined, signal: string | undefined): Promise<void> {
    if (this.#isOver) return;
    const at = this.#options.now();
    for (const side of ["client", "server"] as const) this.#tellSkipped(side, at);
    this.#worker.ref();
    this.#send({ kind: "end", at, ...defined({ code, signal }) });
    const enough = new AbortController();
    const patience = sleep(systemClock, this.#options.longestEndMs ?? longestEndMs, enough.signal);
    const isWhole = await Promise.race([
      this.#done.then(() => true),
      patience.then(
        () => false,
        () => true,
      ),
    ]);
    enough.abort();
    if (!isWhole) this.#options.onTrouble("what came last is not recorded: it took too long");
    this.#isOver = true;
    await this.#worker.terminate();
  }

  /** Ends the thread at once. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#worker.terminate();
  }

  #tellSkipped(from: Side, at: number): void {
    const bytes = this.#skipped[from];
    if (bytes === 0) return;
    this.#skipped[from] = 0;
    this.#send({ kind: "skipped", at, from, bytes });
  }

  #send(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }
}
