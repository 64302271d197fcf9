import type { ChannelLoad } from "../base/clientLoad.js";
import type { ServerNotification } from "../protocol/registry.js";

/**
 * Sends messages on one connection. `send` resolves when the pipe has taken the message. That is
 * the back-pressure: the caller waits for it before it sends the next one. It rejects with an
 * `UnwritableMessage` if the message cannot be written as JSON; the connection still works then.
 * Every other rejection means that the connection is closed.
 */
export interface Sender {
  send(message: ServerNotification): Promise<void>;
  /**
   * Runs `send`. The messages that it sends go to the pipe in one piece, each followed by the next.
   * Without it, each message is a piece of its own.
   */
  together?(send: () => void): void;
  /** What waits in the channel, where that is known. */
  load?(): ChannelLoad;
}
