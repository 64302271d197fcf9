import type { FileHandle } from "node:fs/promises";

/**
 * What tells one state of a file from another without reading it: its identity, size and time of
 * change. A file that was replaced has another identity.
 */
export type FileVersion = string;

/** The version of an open file. */
export async function versionOf(handle: FileHandle): Promise<FileVersion> {
  const status = await handle.stat({ bigint: true });
  return `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}`;
}
