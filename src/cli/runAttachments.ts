/** Reads the files of `turnwire run --attach`. */
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { textIn } from "../base/decodeText.js";
import { messageOf } from "../base/errors.js";
import { imageKind } from "../base/imageKind.js";
import type { ResolvePath } from "../base/startFolder.js";
import { explainSystemError } from "../base/systemError.js";
import type { Attachment } from "../protocol/objects/message.js";
import { BadPrompt } from "./runPrompt.js";

/** The most bytes of all files together. In base64, no server takes more in one message. */
const mostBytes = 36 * 1024 * 1024;
const mostFiles = 100;

/**
 * Reads the files in their order.
 * @throws BadPrompt if one cannot be read, or if they are too many or too large.
 */
export async function readAttachments(
  files: readonly string[],
  resolvePath: ResolvePath,
): Promise<Attachment[]> {
  if (files.length > mostFiles) throw new BadPrompt(`--attach: at most ${mostFiles} files`);
  const attachments: Attachment[] = [];
  let room = mostBytes;
  for (const file of files) {
    const data = await readWithin(resolvePath(file), file, room);
    room -= data.length;
    const mimeType = mimeTypeOf(data);
    attachments.push({ name: basename(file) || file, mimeType, data: data.toString("base64") });
  }
  return attachments;
}

async function readWithin(path: string, name: string, room: number): Promise<Buffer> {
  try {
    const handle = await open(path, "r");
    try {
      const chunks: Buffer[] = [];
      let length = 0;
      // It is read piece by piece, because the size of `<(command)` is not known before.
      for await (const chunk of handle.createReadStream({ autoClose: false })) {
        const bytes = Buffer.from(chunk);
        length += bytes.length;
        if (length > room) throw new BadPrompt("--attach: the files have more than 36 MiB");
        chunks.push(bytes);
      }
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof BadPrompt) throw error;
    const reason = explainSystemError(error) ?? messageOf(error);
    throw new BadPrompt(`--attach: ${name} cannot be read: ${reason}`, { cause: error });
  }
}

/** The type follows from the content. The name is not used. */
function mimeTypeOf(data: Uint8Array): string {
  const kind = imageKind(data);
  if (kind !== undefined) return kind;
  return textIn(data) === undefined ? "application/octet-stream" : "text/plain";
}
