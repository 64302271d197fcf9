// Frames of AWS's event stream, made by hand: lengths, headers, payload, and a CRC-32 of each part.
import { crc32 } from "node:zlib";

/** The headers of a frame, all of them texts. */
export type FrameHeaders = Readonly<Record<string, string>>;

/** One frame. */
export function awsFrame(headers: FrameHeaders, payload: string): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const body = Buffer.from(payload);
  const total = 16 + head.length + body.length;
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(total, 0);
  prelude.writeUInt32BE(head.length, 4);
  const rest = Buffer.concat([prelude, checksum(prelude), head, body]);
  return Buffer.concat([rest, checksum(rest)]);
}

/** A frame with an event of a stream. */
export function awsEvent(type: string, value: unknown): Buffer {
  return awsFrame(
    { ":event-type": type, ":content-type": "application/json", ":message-type": "event" },
    JSON.stringify(value),
  );
}

/** A frame that says what went wrong. */
export function awsException(type: string, message: string): Buffer {
  return awsFrame(
    { ":exception-type": type, ":content-type": "application/json", ":message-type": "exception" },
    JSON.stringify({ message }),
  );
}

function header(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  const isText = 7;
  return Buffer.concat([
    Buffer.from([name.length]),
    Buffer.from(name),
    Buffer.from([isText]),
    length,
    text,
  ]);
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc(bytes));
  return sum;
}

/** Node 20.19 has it; its types are younger. */
function crc(bytes: Buffer): number {
  return crc32(bytes);
}
