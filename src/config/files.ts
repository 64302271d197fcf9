// Reads configuration files from disk. The size is limited, and reading never waits, even if the
// file is a named pipe. The result has the file's identity, so that one `stat` can detect a change.
import { constants } from "node:fs";
import { type FileHandle, open, readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { identityFrom, identityOf } from "../base/fileIdentity.js";
import { isWithin } from "../base/insideFolder.js";
import { configInvalid } from "./configInvalid.js";
import { workspaceFileName } from "./paths.js";

/** The largest file, in bytes; more than any configuration needs. */
const maxBytes = 1024 * 1024;

/** A file as it was read. */
export interface ReadFile {
  readonly path: string;
  readonly text: string;
  readonly identity: string;
}

/**
 * Reads a file; undefined if there is none. Throws `ConfigInvalid` if it is no file, cannot be
 * read, is longer than 1 MiB, or is not UTF-8.
 */
export async function readConfigFile(path: string): Promise<ReadFile | undefined> {
  let handle: FileHandle;
  try {
    // Otherwise opening a named pipe would wait until someone writes to it.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw failedToRead(path, error);
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw unreadable(path, "is not a file");
    const bytes = await readBounded(path, handle);
    if (bytes === undefined) throw unreadable(path, "is longer than 1 MiB");
    return { path, text: decode(path, bytes), identity: identityFrom(stats) };
  } finally {
    await handle.close();
  }
}

/** Whether a workspace's file is there and really inside it, symbolic links resolved. */
export type WorkspaceFile =
  | { readonly kind: "missing" }
  | { readonly kind: "inside"; readonly path: string }
  | { readonly kind: "outside"; readonly path: string; readonly identity: string };

/** Finds a workspace's own file. Throws `ConfigInvalid` if its path cannot be read. */
export async function findWorkspaceFile(workspacePath: string): Promise<WorkspaceFile> {
  const path = join(workspacePath, workspaceFileName);
  try {
    const [root, real] = await Promise.all([realpath(workspacePath), realpath(path)]);
    if (await isEmptyFolder(real)) return { kind: "missing" };
    if (isWithin(root, real)) return { kind: "inside", path: real };
    return { kind: "outside", path: real, identity: identityOf(real) };
  } catch (error) {
    if (isMissing(error)) return { kind: "missing" };
    throw failedToRead(path, error);
  }
}

/**
 * It is an empty folder with which a sandbox reserves the name, so that no command can put a file
 * there.
 */
async function isEmptyFolder(path: string): Promise<boolean> {
  return (await stat(path)).isDirectory() && (await readdir(path)).length === 0;
}

async function readBounded(path: string, handle: FileHandle): Promise<Uint8Array | undefined> {
  const buffer = new Uint8Array(maxBytes + 1);
  let length = 0;
  try {
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    return undefined;
  } catch (error) {
    throw failedToRead(path, error);
  }
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    // Removes the byte order mark that some editors write.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(path, "is not UTF-8", error);
  }
}

function unreadable(path: string, message: string, cause?: unknown) {
  return configInvalid(path, [{ path: "", message }], cause);
}

function failedToRead(path: string, error: unknown) {
  return unreadable(path, `cannot be read (${codeOf(error) ?? "unknown error"})`, error);
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
