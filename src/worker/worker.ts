// A worker (docs/fleet.md): takes prompts out of a work queue, runs them, and lets go of each only when
// its completion is where the relay carries it.
import type { JsMsg } from "@nats-io/jetstream";
import { type Clock, sleep } from "../base/clock.js";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { TurnwireRpcError } from "../client/errors.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import { type PromptMessage, RefusedMessage, readPrompt, runIdIn } from "./promptMessage.js";
import type { WorkQueue } from "./workQueue.js";

/** How long a message that cannot be run now rests, in milliseconds: at first, and at most. */
const rest = { firstMs: 2000, mostMs: 60_000 };
/** How often it looks whether a completion was carried, in milliseconds. */
const betweenLooksMs = 25;
/** After an error of the queue. */
const laterMs = 1000;
/** The longest wait of one `waitRun`, in milliseconds. A run may take longer: then it is asked again. */
const longestWaitMs = 600_000;

/** Errors of the server that no other try can mend. */
const finalErrors: ReadonlySet<string> = new Set([
  "InvalidParams",
  "RunIdConflict",
  "EmptyPrompt",
  "ModelNotConfigured",
  "SessionMissing",
  "SessionNotFound",
  // The run has ended so long ago that nobody can be told how.
  "RunNotFound",
]);

/** What a worker works with. */
export interface WorkerOptions {
  readonly queue: Pick<WorkQueue, "next" | "signOfLifeMs">;
  readonly client: Pick<TurnwireClient, "request" | "acknowledge" | "on">;
  /** The ids of the open workspaces, by the names that messages use. */
  readonly workspaces: ReadonlyMap<string, string>;
  readonly permissionMode: PermissionMode;
  readonly maxConcurrent: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The sequence up to which the relay has carried completions. */
  cursor(): number;
  /** Tells that a message can never be run. Rejects if that is not confirmed. */
  refuse(message: JsMsg, told: { reason: string; runId: string | undefined }): Promise<void>;
}

/** A worker from its start to its end. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #ending = new AbortController();
  readonly #acknowledging = new Map<string, Promise<void>>();

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /**
   * Takes messages until {@link Worker.stop}; resolves when all that it took are done with. Completions
   * whose messages others have are acknowledged as well, once they are carried.
   */
  async run(): Promise<void> {
    const stopListening = this.#options.client.on("runComplete", ({ completionId, sequence }) => {
      void this.#acknowledge(completionId, sequence).catch((error: unknown) => {
        this.#options.log.warn({ reason: messageOf(error) }, "an acknowledgement comes later");
      });
    });
    const places = Array.from({ length: this.#options.maxConcurrent }, () => this.#take());
    await Promise.all(places);
    stopListening();
  }

  /** Takes no further message. */
  stop(): void {
    this.#ending.abort();
  }

  async #take(): Promise<void> {
    const { queue, clock, log } = this.#options;
    while (!this.#ending.signal.aborted) {
      try {
        const message = await queue.next(this.#ending.signal);
        if (message === undefined) continue;
        // One that comes after the end is for another worker.
        if (this.#ending.signal.aborted) message.nak();
        else await this.#handle(message);
      } catch (error) {
        log.warn({ reason: messageOf(error) }, "the work queue is asked again later");
        await sleep(clock, laterMs);
      }
    }
  }

  async #handle(message: JsMsg): Promise<void> {
    const { queue, clock, log } = this.#options;
    const alive = () => {
      try {
        message.working();
      } catch (error) {
        // Its connection is closed for good. The run goes on, and the message comes again.
        log.warn({ reason: messageOf(error) }, "no sign of life could be given");
        return;
      }
      timer = clock.after(queue.signOfLifeMs, alive);
    };
    let timer = clock.after(queue.signOfLifeMs, alive);
    try {
      await this.#runPrompt(readPrompt(message.string(), this.#options.permissionMode));
      message.ack();
    } catch (error) {
      const reason = messageOf(error);
      if (isFinal(error)) await this.#refuse(message, reason);
      else {
        log.warn({ reason, delivery: message.info.deliveryCount }, "a prompt rests");
        message.nak(restOf(message.info.deliveryCount));
      }
    } finally {
      timer.cancel();
    }
  }

  async #refuse(message: JsMsg, reason: string): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#options.refuse(message, { reason, runId: runIdIn(message.string()) });
      log.warn({ reason }, "a message was refused");
      // Without the reason: servers before 2.10.4 do not understand it, and send the message again.
      message.term();
    } catch (error) {
      log.warn({ reason: messageOf(error) }, "a refusal could not be told yet");
      message.nak(restOf(message.info.deliveryCount));
    }
  }

  /** Resolves once its completion is carried and acknowledged. */
  async #runPrompt({ runId, workspace, session, prompt, options }: PromptMessage): Promise<void> {
    const { client, workspaces } = this.#options;
    const workspaceId = workspaces.get(workspace);
    if (workspaceId === undefined) {
      throw new RefusedMessage(`workspace: this worker has no ${JSON.stringify(workspace)}`);
    }
    const sessionId = session ?? `w-${runId}`;
    const { messageCount, isBusy, queuedPrompts } = await client.request("createSession", {
      workspaceId,
      sessionId,
    });
    // If this worker is lost, its next start goes on with the run.
    const lasting = { onServerLoss: "continue", ...options } as const;
    const sent = { workspaceId, sessionId, runId, prompt, options: lasting };
    try {
      await client.request("sendMessage", sent);
    } catch (error) {
      // The session was made for this prompt alone.
      const isUnused = session === undefined && messageCount + queuedPrompts === 0 && !isBusy;
      if (isUnused && isFinal(error)) await this.#deleteSession(workspaceId, sessionId);
      throw error;
    }
    const { completionId, sequence } = await this.#endOf(workspaceId, runId);
    await this.#acknowledge(completionId, sequence);
  }

  /** Never rejects: an empty session that stays is no reason to keep a message. */
  async #deleteSession(workspaceId: string, sessionId: string): Promise<void> {
    const { client, log } = this.#options;
    await client.request("deleteSession", { workspaceId, sessionId }).catch((error: unknown) => {
      log.warn({ sessionId, reason: messageOf(error) }, "an empty session stays");
    });
  }

  /** The completion of a run, however long that takes. */
  async #endOf(workspaceId: string, runId: string): Promise<RunComplete> {
    const { client } = this.#options;
    for (;;) {
      const told = await client.request("waitRun", {
        workspaceId,
        runId,
        timeoutMs: longestWaitMs,
      });
      if (!("timedOut" in told)) return told;
    }
  }

  /** It is delivered again while it is not acknowledged, and waited for beside that: once is enough. */
  #acknowledge(completionId: string, sequence: number): Promise<void> {
    const known = this.#acknowledging.get(completionId);
    if (known !== undefined) return known;
    const acknowledging = this.#acknowledgeCarried(completionId, sequence).finally(() => {
      this.#acknowledging.delete(completionId);
    });
    this.#acknowledging.set(completionId, acknowledging);
    return acknowledging;
  }

  async #acknowledgeCarried(completionId: string, sequence: number): Promise<void> {
    await this.#carried(sequence);
    await this.#options.client.acknowledge([completionId]);
  }

  async #carried(sequence: number): Promise<void> {
    while (this.#options.cursor() < sequence) await sleep(this.#options.clock, betweenLooksMs);
  }
}

function isFinal(error: unknown): boolean {
  if (error instanceof RefusedMessage) return true;
  return error instanceof TurnwireRpcError && finalErrors.has(error.name);
}

function restOf(deliveries: number): number {
  return Math.min(rest.firstMs * 2 ** Math.min(deliveries - 1, 10), rest.mostMs);
}
