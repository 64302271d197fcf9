// Unpacks the body of an answer that is compressed although nobody asked for that.
import { pipeline, type Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";

const unpackers: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/**
 * What `source` was before it was compressed. Ending either ends the other.
 *
 * @throws TypeError where the coding is not known.
 */
export function unpacked(source: Readable, coding: string): Readable {
  const unpacker = unpackers[coding]?.();
  if (unpacker === undefined) {
    source.destroy();
    throw new TypeError(`the answer has an unknown content-encoding, "${coding.slice(0, 100)}"`);
  }
  // Its reader has every error too.
  return pipeline(source, unpacker, () => {});
}
