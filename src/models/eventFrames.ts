// The event stream of AWS: binary frames with lengths and checksums. They are put together here, with a
// bound, so that a package's decoder gets one whole frame at a time, and a refusal inside the stream
// keeps its name, which the decoder drops.
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import { GarbledReplyError } from "./errorFacts.js";

/** What a provider refused after its answer had begun. */
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

/** Passes on whole frames, each in one piece; a frame that is broken or a refusal is an error. */
export class EventFrames extends TransformStream<Uint8Array, Uint8Array> {
  constructor() {
    const codec = new EventStreamCodec(toUtf8, fromUtf8);
    /** The beginning of a frame, in the pieces that came, and how many bytes make it whole. */
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
      // Half a frame at the end is dropped: the reply then lacks its end, and is told as cut.
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
    // Words, then.
    return text;
  }
}
