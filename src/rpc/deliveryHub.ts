// Where a connection gets its events and completions from, as `rpc` needs it.
import type { ChannelLoad } from "../base/clientLoad.js";
import type { LossyEvent, ServerNotification } from "../protocol/registry.js";

/** Sends notifications on one connection, for `events`. */
export interface ConnectionSender {
  send(message: ServerNotification): Promise<void>;
  /** Runs `send`, whose messages go to the pipe in one piece. */
  together?(send: () => void): void;
  /** What waits in the channel, where that is known. */
  load?(): ChannelLoad;
}

/** One connection's delivery of events and completions. */
export interface ConnectionDelivery {
  readonly clientId: string;
  identify(client: {
    clientId: string;
    ackTimeoutMs: number | undefined;
    optOutNotifications: readonly string[];
  }): { pending: number };
  release(): void;
  drained(): Promise<void>;
  /**
   * Resolves once every completion that was announced until now is written to the pipe, or cannot
   * be.
   */
  completionsWritten(): Promise<void>;
}

/** Makes a connection known to the part that sends events and completions. */
export interface DeliveryHub<D extends ConnectionDelivery = ConnectionDelivery> {
  /** `wants` tells which events the connection gets; without it, all of them. */
  connect(sender: ConnectionSender, wants?: (event: LossyEvent) => boolean): D;
  /** The client has gone. Events of its turns are still written. */
  leave(delivery: D): void;
  disconnect(delivery: D): void;
}
