/** What a file contains, according to its first bytes. */
export type FileKind =
  | { readonly kind: "text" }
  | { readonly kind: "image"; readonly format: string }
  | { readonly kind: "binary" };

/** How many of a file's first bytes {@link fileKindOf} wants. */
export const fileKindBytes = 8192;

const imageSignatures: readonly { readonly format: string; readonly bytes: readonly number[] }[] = [
  { format: "PNG", bytes: [0x89, 0x50, 0x4e, 0x47] },
  { format: "JPEG", bytes: [0xff, 0xd8, 0xff] },
  { format: "GIF", bytes: [0x47, 0x49, 0x46, 0x38] },
  { format: "BMP", bytes: [0x42, 0x4d] },
];

/** Tells text from images and other binary files: text has no NUL. */
export function fileKindOf(start: Buffer): FileKind {
  const isWebp =
    start.toString("latin1", 0, 4) === "RIFF" && start.toString("latin1", 8, 12) === "WEBP";
  if (isWebp) return { kind: "image", format: "WebP" };
  if (!start.includes(0)) return { kind: "text" };
  const image = imageSignatures.find(({ bytes }) => bytes.every((byte, i) => start[i] === byte));
  return image === undefined ? { kind: "binary" } : { kind: "image", format: image.format };
}
