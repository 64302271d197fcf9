import type { ServerNotification } from "../protocol/registry.js";

/**
 * One connection's way out. `send` resolves when the pipe has taken the message: that is the
 * back-pressure, and the caller waits for it before it sends the next. It rejects with an
 * `UnwritableMessage` for a message that cannot be written as JSON, which changes nothing, and with
 * anything else once the connection is closed.
 */
export interface Sender {
  send(message: ServerNotification): Promise<void>;
}
