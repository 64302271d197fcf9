// Reads and changes files through the editor, so that what is not saved yet is seen and kept
// (protocol.md section 7). ACP knows no versions: a text's digest is its version here. Some editors keep
// lines and not a text, so what they give back may differ in its line ends from what they were given.
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import {
  type AgentContext,
  type ReadTextFileRequest,
  RequestError,
} from "@agentclientprotocol/sdk";
import type { FileRead, FileReadAnswer, FileWrite, FileWriteAnswer } from "../protocol/registry.js";
import { FileHasChanged } from "./turnwireConnection.js";

/** Where an editor's files are asked for. */
export interface FilesOf {
  readonly client: AgentContext;
  readonly sessionId: string;
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** What a file holds in the editor. */
export async function readInEditor({ path }: FileRead, files: FilesOf): Promise<FileReadAnswer> {
  const content = await textIn(path, files);
  return content === undefined ? { missing: true } : { content, version: versionOf(content) };
}

/**
 * Replaces what a file holds in the editor.
 *
 * @throws FileHasChanged where it is not what was read.
 * @throws Error where the editor says that it could not write; the signal's reason.
 */
export async function writeInEditor(
  { path, content, version }: FileWrite,
  files: FilesOf,
): Promise<FileWriteAnswer> {
  const present = await textIn(path, files);
  const presentVersion = present === undefined ? null : versionOf(present);
  if (presentVersion !== version) throw new FileHasChanged(path);
  // The run may have been cancelled while the editor took its time.
  files.signal.throwIfAborted();
  const asked = { sessionId: files.sessionId, path, content };
  const answer: unknown = await files.client.request("fs/write_text_file", asked, until(files));
  // Avante tells what went wrong as the result, which has no text otherwise.
  if (typeof answer === "string") throw new Error(answer);
  return { version: versionOf(content) };
}

/** The text; undefined where there is no such file. */
async function textIn(path: string, files: FilesOf): Promise<string | undefined> {
  const asked: ReadTextFileRequest = { sessionId: files.sessionId, path };
  try {
    const { content } = await files.client.request("fs/read_text_file", asked, until(files));
    // CodeCompanion has an empty text for a file that is not there.
    if (content === "") return (await isThere(path)) ? content : undefined;
    // Avante joins lines, and the last line has no end then.
    return !content.endsWith("\n") && (await endsLine(path)) ? `${content}\n` : content;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Editors have many errors for a file that is not there.
    if (error.code === -32002 || !(await isThere(path))) return undefined;
    throw error;
  }
}

/** An editor that is too slow hears so, and is not waited for. */
function until({ signal }: FilesOf) {
  return { cancellationSignal: signal, stopWaitingOnCancel: true };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

/** Whether the last line of a file on the disk has an end. */
async function endsLine(path: string): Promise<boolean> {
  try {
    // A pipe would never open.
    if (!(await stat(path)).isFile()) return false;
    const file = await open(path);
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
      return bytesRead === 1 && buffer[0] === 0x0a;
    } finally {
      await file.close();
    }
  } catch {
    // The editor has the file, whatever the disk has.
    return false;
  }
}

/** The version of a text, which has nothing to do with the ends of its lines and of the text. */
function versionOf(content: string): string {
  const plain = content.replaceAll("\r", "");
  let end = plain.length;
  while (plain[end - 1] === "\n") end--;
  return createHash("sha256").update(plain.slice(0, end)).digest("hex").slice(0, 32);
}
