// The folders of kept contents on the disk: what is in them, and what is left over from servers that were
// killed.
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../base/systemError.js";

/** The folder of a session. */
export interface KeptFolder {
  readonly name: string;
  readonly files: readonly { readonly name: string; readonly size: number; readonly age: number }[];
  /** How long ago something was written into it or deleted from it, in milliseconds. */
  readonly age: number;
}

/** What is in a directory of kept contents. `now` is in milliseconds since the Unix epoch. */
export async function keptFolders(directory: string, now: number): Promise<KeptFolder[]> {
  const folders: KeptFolder[] = [];
  for (const name of await namesIn(directory)) {
    const folder = await keptFolder(directory, name, now);
    if (folder !== undefined) folders.push(folder);
  }
  return folders;
}

/** One of the folders. Undefined if it is gone. */
async function keptFolder(
  directory: string,
  name: string,
  now: number,
): Promise<KeptFolder | undefined> {
  const path = join(directory, name);
  const own = await lookedAt(path);
  if (own === undefined) return undefined;
  const files = await Promise.all(
    (await namesIn(path)).map(async (file) => ({
      name: file,
      status: await lookedAt(join(path, file)),
    })),
  );
  return {
    name,
    age: now - own.mtimeMs,
    files: files.flatMap(({ name: file, status }) =>
      status === undefined ? [] : [{ name: file, size: status.size, age: now - status.mtimeMs }],
    ),
  };
}

/** How many bytes the files of some folders have in all. */
export function bytesOf(folders: readonly KeptFolder[]): number {
  return folders.reduce((sum, { files }) => files.reduce((own, { size }) => own + size, sum), 0);
}

/** Deletes a folder, or a file of one. */
export async function removeKept(directory: string, ...path: string[]): Promise<void> {
  await rm(join(directory, ...path), { recursive: true, force: true });
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

async function lookedAt(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
