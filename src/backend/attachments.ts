// Reads the attachments of a prompt at acceptance. So a later change of a file does not change the
// run.
import { isUtf8 } from "node:buffer";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { isLockedDataFile } from "../base/dataFiles.js";
import { DomainError, messageOf } from "../base/errors.js";
import { imageKind } from "../base/imageKind.js";
import { isWithin } from "../base/insideFolder.js";
import type { PromptAttachment } from "../engine/engine.js";
import type { Attachment } from "../protocol/objects/message.js";

/** The largest file that can be attached by path, in bytes. */
const maxAttachmentBytes = 20 * 1024 * 1024;

/** The largest total size of the files attached to one prompt, in bytes. */
const maxTotalBytes = 64 * 1024 * 1024;

const imageTypes: Readonly<Record<string, string>> = {
  ".gif": "image/gif",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
  ".pdf": "application/pdf",
};

/**
 * Reads the attachments of a prompt.
 *
 * @throws DomainError `InvalidParams` naming the attachment that is not inside the workspace, is no
 *   readable file, or is too large.
 */
export function readAttachments(
  attachments: readonly Attachment[],
  workspacePath: string,
): PromptAttachment[] {
  let total = 0;
  return attachments.map((attachment, index) => {
    if (!("path" in attachment)) return decoded(attachment, index);
    const file = readFile(attachment.path, workspacePath, index);
    total += file.data.length;
    if (total > maxTotalBytes) {
      throw invalid(index, `the attached files have over ${maxTotalBytes} bytes together`);
    }
    return file;
  });
}

/**
 * Like {@link readAttachments} for a prompt that was accepted before: its files are not read again.
 */
export function namedAttachments(attachments: readonly Attachment[]): PromptAttachment[] {
  return attachments.map((attachment, index) =>
    "path" in attachment
      ? { name: "", mimeType: "", data: new Uint8Array(), path: attachment.path }
      : decoded(attachment, index),
  );
}

function decoded({ name, mimeType, data }: Exclude<Attachment, { path: string }>, index: number) {
  const bytes = Buffer.from(data, "base64");
  // The schema has not looked at every character of a long text. Node leaves out what it does not know.
  const filling = data.endsWith("==") ? 2 : data.endsWith("=") ? 1 : 0;
  const isWhole = bytes.length === (data.length / 4) * 3 - filling;
  if (!isWhole || data.includes("-") || data.includes("_"))
    throw invalid(index, "it is no base64", ".data");
  return { name, mimeType, data: bytes };
}

/**
 * Checks that attachments declared as images are images.
 *
 * @throws DomainError `InvalidParams` naming the attachment that is empty, or whose bytes are not what
 *   its type says.
 */
export function checkImages(attachments: readonly PromptAttachment[]): void {
  for (const [index, { mimeType, data }] of attachments.entries()) {
    const type = mimeType.toLowerCase().split(";")[0]?.trim() ?? "";
    if (!/^image\/(png|jpeg|gif|webp)$/.test(type)) continue;
    if (data.length === 0) throw invalid(index, `it is an image of type ${type} and empty`, "");
    const kind = imageKind(data);
    if (kind !== type) throw invalid(index, `its bytes are ${kind ?? "no image"}, not ${type}`, "");
  }
}

/** Whether an attachment has content of its own, so that the prompt may be empty. */
export function isText(attachment: PromptAttachment): boolean {
  return attachment.mimeType.startsWith("text/") && attachment.data.length > 0;
}

function readFile(path: string, workspacePath: string, index: number): PromptAttachment {
  const file = realFile(path, workspacePath, index);
  const stat = statSync(file);
  if (!stat.isFile()) throw invalid(index, `${path} is not a file`);
  if (stat.size > maxAttachmentBytes) {
    throw invalid(
      index,
      `${path} has ${stat.size} bytes; at most ${maxAttachmentBytes} can be attached`,
    );
  }
  let data: Buffer;
  try {
    data = readFileSync(file);
  } catch (error) {
    throw invalid(index, `${path} cannot be read: ${messageOf(error)}`);
  }
  return { name: basename(file), mimeType: mimeTypeOf(file, data), data, path };
}

function realFile(path: string, workspacePath: string, index: number): string {
  let file: string;
  try {
    file = realpathSync.native(resolve(workspacePath, path));
  } catch {
    // For the client every reason means the same: nothing can be attached.
    throw invalid(index, `there is no file ${path} in the workspace`);
  }
  if (!isWithin(workspacePath, file)) {
    throw invalid(index, `${path} is outside the workspace; send its bytes as data instead`);
  }
  if (isLockedDataFile(file)) throw invalid(index, "the file is the server's own");
  return file;
}

function mimeTypeOf(file: string, data: Buffer): string {
  const known = imageTypes[extname(file).toLowerCase()];
  if (known !== undefined) return known;
  return isUtf8(data) && !data.includes(0) ? "text/plain" : "application/octet-stream";
}

function invalid(index: number, message: string, field = ".path"): DomainError {
  const path = `attachments.${index}${field}`;
  return new DomainError("InvalidParams", `${path}: ${message}.`, {
    data: { issues: [{ path, message }] },
  });
}

/** The error of an empty prompt. */
export function emptyPrompt(): DomainError {
  return new DomainError("EmptyPrompt", "`prompt` is empty; write something or attach a text.");
}
