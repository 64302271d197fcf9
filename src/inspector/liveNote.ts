/**
 * Where servers that can be looked into are found (docs/inspecting.md): a folder of the data directory
 * that only its owner can open, with a note for each of them.
 */
import { randomBytes } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { systemErrorCode } from "../base/systemError.js";

/** The folder's name in a data directory. */
export const inspectFolder = "inspect";
/** The longest path that every system takes for a socket, in bytes. */
const longestPath = 100;
/** How the name of a private folder among the temporary ones begins. */
const temporaryPrefix = "turnwire-inspect-";

/** What a server notes. */
export interface LiveNote {
  readonly pid: number;
  /** Its socket, or on Windows its pipe. */
  readonly address: string;
}

/** A place for a server's socket; the folder above it is private, so that nobody else can reach it. */
export function newAddress(folder: string, pid: number): string {
  makePrivate(folder);
  if (process.platform === "win32") {
    return `\\\\.\\pipe\\turnwire-inspect-${randomBytes(16).toString("hex")}`;
  }
  const usual = join(folder, `${pid}.sock`);
  if (Buffer.byteLength(usual) > longestPath) {
    return join(mkdtempSync(join(tmpdir(), temporaryPrefix)), `${pid}.sock`);
  }
  // A dead process with the same number may have left one.
  rmSync(usual, { force: true });
  return usual;
}

/** Tells where a server is. */
export function writeNote(folder: string, note: LiveNote): void {
  writeFileSync(notePath(folder, note.pid), JSON.stringify(note), { mode: 0o600 });
}

/** Removes a server's note and its socket. */
export function removeNote(folder: string, { pid, address }: LiveNote): void {
  rmSync(notePath(folder, pid), { force: true });
  if (process.platform === "win32") return;
  // The note may be old, or of a data directory that was moved: nothing else may be removed by it.
  if (lstatSync(address, { throwIfNoEntry: false })?.isSocket() === false) return;
  // A server that has closed its socket has removed it already.
  rmSync(address, { force: true });
  if (basename(dirname(address)).startsWith(temporaryPrefix)) removeEmpty(dirname(address));
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Somebody else was quicker, or keeps something there that is not ours.
    if (!["ENOENT", "ENOTEMPTY", "EEXIST"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}

/**
 * The notes of a folder; none where there is no folder. What cannot be read is not a note.
 *
 * @throws Error where the folder is not the user's own.
 */
export function notesIn(folder: string): LiveNote[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    // No server has been looked into yet.
    return [];
  }
  checkPrivate(folder);
  return names
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => noteAt(join(folder, name)));
}

function noteAt(path: string): LiveNote[] {
  try {
    const note: unknown = JSON.parse(readFileSync(path, "utf8"));
    const isNote = typeof note === "object" && note !== null && "address" in note && "pid" in note;
    return isNote ? [{ address: String(note.address), pid: Number(note.pid) }] : [];
  } catch {
    // It is being written, or was removed.
    return [];
  }
}

function notePath(folder: string, pid: number): string {
  return join(folder, `${pid}.json`);
}

function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkPrivate(folder);
}

function checkPrivate(folder: string): void {
  if (process.platform === "win32") return;
  const stats = lstatSync(folder);
  const isOwn = stats.isDirectory() && stats.uid === process.getuid?.();
  if (isOwn && (stats.mode & 0o077) === 0) return;
  throw new Error(`${folder} must be a folder of this user's, with the permissions 0700`);
}
