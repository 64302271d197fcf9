// Reads and changes files through the editor, so that what is not saved yet is seen and kept
// (protocol.md section 7). ACP knows no versions: a text's digest is its version here.
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { type AgentContext, RequestError } from "@agentclientprotocol/sdk";
import type { FileRead, FileReadAnswer, FileWrite, FileWriteAnswer } from "../protocol/registry.js";
import { FileHasChanged } from "./turnwireConnection.js";

/** Where an editor's files are asked for. */
export interface FilesOf {
  readonly client: AgentContext;
  readonly sessionId: string;
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
 */
export async function writeInEditor(
  { path, content, version }: FileWrite,
  files: FilesOf,
): Promise<FileWriteAnswer> {
  const present = await textIn(path, files);
  const presentVersion = present === undefined ? null : versionOf(present);
  if (presentVersion !== version) throw new FileHasChanged(path);
  await files.client.request("fs/write_text_file", { sessionId: files.sessionId, path, content });
  return { version: versionOf(content) };
}

/** The text; undefined where there is no such file. */
async function textIn(path: string, { client, sessionId }: FilesOf): Promise<string | undefined> {
  try {
    const { content } = await client.request("fs/read_text_file", { sessionId, path });
    return content;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    // Editors have many errors for a file that is not there.
    if (error.code === -32002 || !(await isThere(path))) return undefined;
    throw error;
  }
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

function versionOf(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
