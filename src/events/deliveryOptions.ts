import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { LossyEvent } from "../protocol/registry.js";
import type { Outbox } from "./outbox.js";
import type { Sender } from "./sender.js";

/** What the delivery of a connection needs; `D` is the delivery. */
export interface DeliveryOptions<D> {
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly log: Log;
  /** The identity that the connection has until the client tells its own. */
  readonly clientId: string;
  /** Which events the connection gets; all of them without it. */
  wants?(event: LossyEvent): boolean;
  /** Called when the client has told its identity. */
  onIdentified?(delivery: D): void;
}
