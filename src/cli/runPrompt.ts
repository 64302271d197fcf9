/** The prompt of `turnwire run`: the words of the command line, or stdin. */
import { addAbortSignal, type Readable } from "node:stream";

/** No server takes more in one message. */
const mostBytes = 48 * 1024 * 1024;

/** A prompt that cannot be sent. It is bad usage, with a message for a person. */
export class BadPrompt extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BadPrompt";
  }
}

/**
 * Reads the prompt; `-` is all of stdin.
 * @throws BadPrompt if there is none, or if it is no text; the signal's reason when it is aborted.
 */
export async function readPrompt(
  given: string,
  stdin: Readable,
  signal: AbortSignal,
): Promise<string> {
  const prompt = given === "-" ? decode(await readAll(stdin, signal)) : given;
  if (prompt.trim() === "") {
    throw new BadPrompt("the prompt is empty; give it as the last argument, or `-` and stdin");
  }
  if (prompt.includes("\0")) throw new BadPrompt("the prompt contains a NUL; it is no text");
  return prompt;
}

/** Decodes text as UTF-8, or as its byte order mark says. */
function decode(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString("hex");
  const encoding = mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BadPrompt("stdin is no UTF-8 text; a file goes along with a prompt by its name", {
      cause: error,
    });
  }
}

async function readAll(stream: Readable, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of addAbortSignal(signal, stream)) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > mostBytes) throw new BadPrompt("stdin is longer than 48 MiB");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
