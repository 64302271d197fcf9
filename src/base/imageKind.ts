const signatures: readonly (readonly [type: string, bytes: readonly number[], at: number])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47], 0],
  ["image/jpeg", [0xff, 0xd8, 0xff], 0],
  ["image/gif", [0x47, 0x49, 0x46, 0x38], 0],
  ["image/webp", [0x57, 0x45, 0x42, 0x50], 8],
  ["application/pdf", [0x25, 0x50, 0x44, 0x46], 0],
];

/** The media type of a file, from its first bytes; undefined if it is none of the known ones. */
export function imageKind(data: Uint8Array): string | undefined {
  return signatures.find(([, bytes, at]) =>
    bytes.every((byte, index) => data[at + index] === byte),
  )?.[0];
}
