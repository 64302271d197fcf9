import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";

/** What leaves on a connection: what may be lost, and what must not. */
export type Outgoing =
  | LossyEvent
  | { readonly method: "runComplete"; readonly params: RunComplete };

/**
 * One connection's way out. `send` resolves when the pipe has taken the message: that is the
 * back-pressure, and the caller waits for it before it sends the next. It rejects with an
 * `UnwritableMessage` for a message that cannot be written as JSON, which changes nothing, and with
 * anything else once the connection is closed.
 */
export interface Sender {
  send(message: Outgoing): Promise<void>;
}
