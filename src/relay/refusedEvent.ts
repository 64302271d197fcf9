import { toRfc3339 } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { RelayIdentity } from "./relayedEvent.js";

/** A message that a worker has refused for good. */
export interface Refused {
  /** The message: where it stands in its stream, and when it was stored there. */
  readonly message: {
    readonly seq: number;
    readonly info: { readonly stream: string; readonly timestampNanos: number };
  };
  readonly reason: string;
  readonly runId: string | undefined;
}

/**
 * The CloudEvent that tells of it, as JSON, and its id (docs/fleet.md). Every telling of one message has the
 * same id. The time is a part of it, because a stream that is made again counts from 1 again.
 */
export function refusedEvent(
  { message: { seq, info }, reason, runId }: Refused,
  { machineId, epoch }: RelayIdentity,
): { id: string; json: string } {
  const storedAt = Math.floor(info.timestampNanos / 1e6);
  const id = `refused-${info.stream}-${seq}-${storedAt}`;
  const json = JSON.stringify({
    specversion: "1.0",
    id,
    source: `/turnwire/${machineId}/unknown`,
    type: "dev.turnwire.run.refused.v1",
    time: toRfc3339(storedAt),
    datacontenttype: "application/json",
    turnwireepoch: epoch,
    ...defined({ turnwirerunid: runId }),
    data: { reason, ...defined({ runId }) },
  });
  return { id, json };
}
