// A text file as an editor has it: its text without the byte order mark, and its line end.
import { ToolFailure } from "../failure.js";
import { type FileVersion, openRegularFile, versionOf } from "../files/open.js";

const maxBytes = 16 * 1024 * 1024;
const byteOrderMark = "\uFEFF";

/** A file's content. */
export interface TextFile {
  readonly text: string;
  readonly hasByteOrderMark: boolean;
  /** How most of its lines end. */
  readonly lineEnd: "\n" | "\r\n";
  readonly version: FileVersion;
}

/**
 * Reads the file at a real path.
 * @throws ToolFailure if it is too large, or not UTF-8.
 */
export async function readTextFile(real: string): Promise<TextFile> {
  const handle = await openRegularFile(real);
  try {
    const version = await versionOf(handle);
    if ((await handle.stat()).size > maxBytes) {
      throw new ToolFailure(`The file is larger than ${maxBytes} bytes; change it with \`bash\`.`);
    }
    return textFileOf(decode(await handle.readFile()), version);
  } finally {
    await handle.close();
  }
}

/** A file whose whole text, with its byte order mark, is known. */
export function textFileOf(text: string, version: FileVersion): TextFile {
  const hasByteOrderMark = text.startsWith(byteOrderMark);
  const body = hasByteOrderMark ? text.slice(1) : text;
  return { text: body, hasByteOrderMark, lineEnd: lineEndOf(body), version };
}

/** The bytes of a file whose text was replaced. */
export function encodeTextFile(file: TextFile, text: string): Buffer {
  return Buffer.from(file.hasByteOrderMark ? byteOrderMark + text : text, "utf8");
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new ToolFailure("The file is not UTF-8 text; change it with `bash`.", { cause: error });
  }
}

function lineEndOf(text: string): TextFile["lineEnd"] {
  const all = text.split("\n").length - 1;
  const withReturn = text.split("\r\n").length - 1;
  return withReturn * 2 > all ? "\r\n" : "\n";
}
