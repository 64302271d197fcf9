import { defined } from "../base/defined.js";
import type { RelayIdentity } from "./relayedEvent.js";

/** A message that a worker has refused for good. */
export interface Refused {
  readonly id: string;
  /** When the message was stored in the queue, in RFC 3339. */
  readonly time: string;
  readonly reason: string;
  readonly runId: string | undefined;
}

/** The CloudEvent that tells of it, as JSON (docs/fleet.md). Every telling of it has the same id. */
export function refusedEvent(
  { id, time, reason, runId }: Refused,
  { machineId, epoch }: RelayIdentity,
): string {
  return JSON.stringify({
    specversion: "1.0",
    id,
    source: `/turnwire/${machineId}/unknown`,
    type: "dev.turnwire.run.refused.v1",
    time,
    datacontenttype: "application/json",
    turnwireepoch: epoch,
    ...defined({ turnwirerunid: runId }),
    data: { reason, ...defined({ runId }) },
  });
}
