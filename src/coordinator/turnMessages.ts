// The messages of one turn as they are now, for a client that comes while it runs (protocol.md section 2,
// `subscribe`).
import type { Message } from "../protocol/objects/message.js";
import type { MessageRecorder } from "./messageRecorder.js";

/** The most messages of a turn that are told, its last ones. */
const mostTold = 200;

/** Knows which messages a turn has made. */
export class TurnMessages {
  #ids: string[] = [];
  /** Those that are still written. */
  readonly #open = new Map<string, MessageRecorder>();

  /** The turn has made a message. */
  add(recorder: MessageRecorder): void {
    for (const [id, { isFinished }] of this.#open) if (isFinished) this.#open.delete(id);
    this.#open.set(recorder.id, recorder);
    this.#ids.push(recorder.id);
    if (this.#ids.length > 2 * mostTold) this.#ids = this.#ids.slice(-mostTold);
  }

  /**
   * The last messages, in their order. What is still written is told with everything that was streamed
   * until now; `find` looks for the others.
   */
  list(find: (messageId: string) => Message | undefined): Message[] {
    return this.#ids
      .slice(-mostTold)
      .flatMap((id) => this.#open.get(id)?.snapshot() ?? find(id) ?? []);
  }
}
