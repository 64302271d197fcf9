// The event stream of AWS: binary frames with lengths and checksums. This puts frames together, up
// to a limit, so that a package's decoder gets one whole frame at a time. It also keeps the name of
// a refusal inside the stream, which the decoder drops.
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import { ValueCounter } from "../base/valueCounter.js";
import { GarbledReplyError } from "./errorFacts.js";
import { mostEventValues } from "./providerFetch.js";

/** A refusal that came after the answer had begun. */
class StreamedRefusal extends Error {
  override readonly name = "StreamedRefusal";
  constructor(readonly data: { readonly type: string; readonly message: string }) {
    super("the provider broke its answer off");
  }
}

/** AWS's own limit of a frame is 16 MiB of payload and 128 KiB of headers. */
const largestFrame = 17 * 1024 * 1024;
const smallestFrame = 16;
/** A frame begins with its length. */
const lengthBytes = 4;

/** Passes on whole frames, each in one piece. A broken frame is an error, and so is a refusal. */
export class EventFrames extends TransformStream<Uint8Array, Uint8Array> {
  constructor() {
    const codec = new EventStreamCodec(toUtf8, fromUtf8);
    /**
     * The beginning of a frame in the pieces that arrived, and how many bytes the whole frame has.
     */
    let pieces: Uint8Array[] = [];
    let length = 0;
    let wanted = lengthBytes;
    super({
      transform(chunk, controller) {
        pieces.push(chunk);
        length += chunk.length;
        if (length < wanted) return;
        let rest: Uint8Array = Buffer.concat(pieces);
        for (;;) {
          wanted = rest.length < lengthBytes ? lengthBytes : frameLength(rest);
          if (rest.length < wanted) break;
          const frame = rest.subarray(0, wanted);
          check(codec, frame);
          controller.enqueue(frame);
          rest = rest.subarray(wanted);
        }
        pieces = [rest];
        length = rest.length;
      },
      // Half a frame at the end is dropped. The reply then lacks its end and is reported as cut.
    });
  }
}

function frameLength(start: Uint8Array): number {
  const length = new DataView(start.buffer, start.byteOffset, lengthBytes).getUint32(0);
  if (length < smallestFrame || length > largestFrame) {
    throw new GarbledReplyError(`a frame of the event stream says that it has ${length} bytes`);
  }
  return length;
}

function check(codec: EventStreamCodec, frame: Uint8Array): void {
  const { headers, body } = decode(codec, frame);
  const values = new ValueCounter();
  if (body.length > mostEventValues) values.add(body);
  if (values.count > mostEventValues) {
    throw new GarbledReplyError(`one event of the stream has more than ${mostEventValues} values`);
  }
  const told = (name: string) => String(headers[name]?.value ?? "");
  const kind = told(":message-type");
  if (kind === "exception") {
    throw new StreamedRefusal({ type: told(":exception-type"), message: messageIn(body) });
  }
  if (kind === "error") {
    throw new StreamedRefusal({ type: told(":error-code"), message: told(":error-message") });
  }
}

function decode(codec: EventStreamCodec, frame: Uint8Array) {
  try {
    return codec.decode(frame);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GarbledReplyError(`a frame of the event stream is broken: ${why}`);
  }
}

function messageIn(body: Uint8Array): string {
  const text = new TextDecoder().decode(body);
  try {
    const value: unknown = JSON.parse(text);
    const message = typeof value === "object" && value !== null && Reflect.get(value, "message");
    return typeof message === "string" ? message : text;
  } catch {
    // It is plain text.
    return text;
  }
}
