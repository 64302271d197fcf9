/** The prompt of `turnwire run`: the words of the command line, stdin, or both. */
import { addAbortSignal, type Readable } from "node:stream";
import type { Clock } from "../base/clock.js";
import { taggedText } from "../base/taggedText.js";
import { isPromptLength, mostPromptBytes } from "../protocol/objects/prompt.js";

/** Of stdin. UTF-16 takes up to twice the bytes of the same text in UTF-8, and has a mark before it. */
const mostBytes = 2 * mostPromptBytes + 2;

/** A prompt that cannot be sent. It is bad usage, with a message for a person. */
export class BadPrompt extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BadPrompt";
  }
}

/** Where a prompt can come from beside the command line. */
export interface PromptSource {
  readonly stdin: Readable;
  /** What stdin is; but for a terminal or a device, what it holds goes along with the words. */
  readonly kind: StdinKind;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Is told where nothing has come for a while, and whether it is waited for. */
  onSilent(isWaitedFor: boolean): void;
}

/**
 * `pipe`: a file, or what a shell puts between two commands, read to its end. `socket`: what Node gives
 * a child that nobody may ever write to, so its first byte is not waited for for long.
 */
export type StdinKind = "other" | "pipe" | "socket";

/** After how many milliseconds without a byte something is said, or the words go alone. */
const silenceMs = 3000;

/**
 * Reads the prompt: `-` is all of stdin, and words have behind them what stdin holds, between tags
 * that it cannot end itself.
 * @throws BadPrompt if there is none, if it is no text, or if it is too long; the signal's reason when it is aborted.
 */
export async function readPrompt(given: string, source: PromptSource): Promise<string> {
  const { stdin, signal } = source;
  const words = given === "-" ? decode(await readAll(stdin, signal)) : given;
  if (words.trim() === "") {
    throw new BadPrompt("the prompt is empty; give it as the last argument, or `-` and stdin");
  }
  const context = given === "-" || source.kind === "other" ? "" : await readContext(source);
  const prompt = context.trim() === "" ? words : `${words}\n\n${taggedText("stdin", context)}`;
  if (prompt.includes("\0")) throw new BadPrompt("the prompt contains a NUL; it is no text");
  if (!isPromptLength(prompt)) throw tooLong();
  return prompt;
}

/** What stdin holds; nothing where a socket is open and silent. */
async function readContext(source: PromptSource): Promise<string> {
  const silence = new AbortController();
  const isWaitedFor = source.kind === "pipe";
  const timer = source.clock.after(silenceMs, () => {
    source.onSilent(isWaitedFor);
    if (!isWaitedFor) silence.abort();
  });
  const onFirst = () => timer.cancel();
  source.stdin.once("readable", onFirst);
  try {
    const either = AbortSignal.any([source.signal, silence.signal]);
    return decode(await readAll(source.stdin, either));
  } catch (error) {
    if (!silence.signal.aborted || source.signal.aborted) throw error;
    return "";
  } finally {
    timer.cancel();
    source.stdin.off("readable", onFirst);
  }
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
    if (length > mostBytes) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function tooLong(): BadPrompt {
  return new BadPrompt("the prompt is longer than 10 MiB; a file goes along with --attach");
}
