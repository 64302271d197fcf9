// A completion as a relay sends it: CloudEvents 1.0 in structured JSON (docs/fleet.md).
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { RunComplete } from "../protocol/objects/run.js";

/** Which data directory a completion comes from. */
export interface RelayIdentity {
  /** The data directory. It is the same in a copy. */
  readonly machineId: string;
  /** One life of the data directory in one place. A copy has another one. */
  readonly epoch: string;
}

/** The type of a completion's event. */
const completedType = "dev.turnwire.run.completed.v1";

/** The media type of an event. */
export const eventMediaType = "application/cloudevents+json; charset=UTF-8";

/** A completion on its way. */
export interface RelayedEvent {
  readonly completion: RunComplete;
  readonly identity: RelayIdentity;
  /** The event as JSON; undefined if it is longer than what the other side takes, even when shortened. */
  readonly json: string | undefined;
}

/** The event of a completion, of at most `mostBytes` bytes. */
export function relayedEvent(
  completion: RunComplete,
  identity: RelayIdentity,
  mostBytes = Number.POSITIVE_INFINITY,
): RelayedEvent {
  return { completion, identity, json: fitting(completion, identity, mostBytes) };
}

/** First the text is cut, then the output is left out. Both are marked. */
function fitting(
  completion: RunComplete,
  identity: RelayIdentity,
  mostBytes: number,
): string | undefined {
  const whole = jsonOf(completion, identity);
  if (Buffer.byteLength(whole) <= mostBytes) return whole;
  return (
    withCutText(completion, identity, mostBytes) ??
    (completion.output === undefined
      ? undefined
      : withCutText(withoutOutput(completion), identity, mostBytes))
  );
}

function withoutOutput({ output: _, ...rest }: RunComplete): RunComplete {
  const marked: RunComplete & { readonly outputOmitted: true } = { ...rest, outputOmitted: true };
  return marked;
}

function withCutText(
  completion: RunComplete,
  identity: RelayIdentity,
  mostBytes: number,
): string | undefined {
  const bare = { ...completion, text: "", textTruncated: true };
  const room = mostBytes - Buffer.byteLength(jsonOf(bare, identity));
  if (room < 0) return undefined;
  return jsonOf(
    { ...bare, text: cutText(completion.text, unitsWithin(completion.text, room)) },
    identity,
  );
}

/** How many UTF-16 units of a text take at most so many bytes in JSON. */
function unitsWithin(text: string, room: number): number {
  let bytes = 0;
  for (let index = 0; index < text.length; ) {
    const point = text.codePointAt(index) ?? 0;
    bytes += bytesInJson(point);
    if (bytes > room) return index;
    index += point > 0xffff ? 2 : 1;
  }
  return text.length;
}

/** At least as many bytes as a character takes in JSON. */
function bytesInJson(point: number): number {
  // A control character, and half a character, are written as `\u` and four digits.
  if (point < 0x20 || (point >= 0xd800 && point <= 0xdfff)) return 6;
  if (point === 0x22 || point === 0x5c) return 2;
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point > 0xffff ? 4 : 3;
}

/** Every sending of a completion has the same bytes: `attempt` is about clients, and is 1 here. */
function jsonOf(completion: RunComplete, { machineId, epoch }: RelayIdentity): string {
  const { completionId, workspaceId, sessionId, sequence, completedAt, runId } = completion;
  return JSON.stringify({
    specversion: "1.0",
    id: completionId,
    source: sourceOf(machineId, workspaceId),
    type: completedType,
    time: completedAt,
    subject: sessionId,
    datacontenttype: "application/json",
    turnwireepoch: epoch,
    turnwiresequence: String(sequence).padStart(20, "0"),
    ...defined({ turnwirerunid: runId }),
    data: { ...completion, attempt: 1 },
  });
}

/** Where an event comes from. */
function sourceOf(machineId: string, workspaceId: string): string {
  return `/turnwire/${encodeURIComponent(machineId)}/${encodeURIComponent(workspaceId)}`;
}
