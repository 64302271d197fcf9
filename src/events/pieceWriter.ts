// Writes what one turn of the pump has taken: as one piece of the pipe, since each write to a pipe costs
// as much as what is in it.
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { faultPoint } from "../base/faultPoint.js";
import type { Log } from "../base/log.js";
import { traced } from "../base/telemetry.js";
import { UnwritableMessage } from "../base/unwritable.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent, ServerNotification } from "../protocol/registry.js";
import type { Sender } from "./sender.js";

/** A part of a piece. */
export type PieceMessage =
  | LossyEvent
  | { readonly method: "runComplete"; readonly params: RunComplete };

/** Writes events and completions on one connection. */
export class PieceWriter {
  readonly #sender: Sender;
  readonly #log: Log;
  readonly #onDropped: () => void;

  /** `onDropped` is called for each event that could not be written. */
  constructor(sender: Sender, log: Log, onDropped: () => void) {
    this.#sender = sender;
    this.#log = log;
    this.#onDropped = onDropped;
  }

  /** Whether several messages can be one piece. */
  get canJoin(): boolean {
    return this.#sender.together !== undefined;
  }

  /** Writes these in their order. Resolves when the pipe has taken all; rejects if the connection is closed. */
  async write(piece: readonly PieceMessage[]): Promise<void> {
    const sent: Promise<void>[] = [];
    const send = () => {
      for (const message of piece) {
        const isEvent = message.method !== "runComplete";
        sent.push(isEvent ? this.#send(message) : this.#deliver(message.params));
      }
    };
    if (piece.length === 1 || this.#sender.together === undefined) send();
    else this.#sender.together(send);
    await Promise.all(sent);
  }

  async #deliver(completion: RunComplete): Promise<void> {
    faultPoint("sending");
    await traced(
      "delivery",
      () => completion,
      () => this.#send({ method: "runComplete", params: completion }),
      () => undefined,
    );
    faultPoint("sent");
  }

  /** An event that cannot be written counts as dropped; later events are sent. */
  async #send(message: ServerNotification): Promise<void> {
    try {
      await this.#sender.send(message);
    } catch (error) {
      if (!(error instanceof UnwritableMessage) || message.method === "runComplete") throw error;
      const { method, params } = message;
      const told = { ...defined(aboutOf(params)), method, reason: messageOf(error.cause) };
      this.#log.warn(told, "an event could not be written");
      this.#onDropped();
    }
  }
}

/** The run that an event is about, as far as it says so. */
function aboutOf(params: object) {
  const { workspaceId, sessionId, runId } = params as Readonly<Record<string, unknown>>;
  return { workspaceId, sessionId, runId };
}
