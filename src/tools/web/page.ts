// What came back, as text for the model.
import type { WorkerThreads } from "../../process/workerThreads.js";
import { ToolFailure } from "../failure.js";
import type { WebResponse } from "./request.js";

/** How a page is wanted. */
export type PageFormat = "markdown" | "text" | "html";

const maxBodyBytes = 5 * 1024 * 1024;
/** A longer page is converted as far as this; the rest would not fit a result anyway. */
const maxHtmlLength = 1_000_000;
/** More of a converted page than a result takes. */
const maxConvertedLength = 200_000;
const conversionMs = 10_000;
const conversionMb = 256;

/** A response's body. */
export interface Body {
  readonly bytes: Buffer;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** Reads a body up to a bound, and no further. */
export async function readBody(response: WebResponse): Promise<Body> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    length += chunk.length;
    // Leaving the loop destroys the stream, and the connection with it.
    if (length > maxBodyBytes) break;
  }
  return { bytes: Buffer.concat(chunks).subarray(0, maxBodyBytes), isCut: length > maxBodyBytes };
}

/** How a body is made text, and by what. */
export interface Conversion {
  readonly contentType: string;
  readonly format: PageFormat;
  readonly threads: WorkerThreads;
  readonly signal: AbortSignal;
}

/**
 * A body as text.
 * @throws ToolFailure when it is none, or cannot be converted within bounds of time and memory.
 */
export async function pageText(body: Body, conversion: Conversion): Promise<string> {
  const { contentType, format } = conversion;
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  const isTextual = /^text\/|[/+](?:json|xml|javascript|ecmascript|yaml|toml)$|^$/.test(type);
  if (!isTextual || body.bytes.subarray(0, 8192).includes(0)) {
    throw new ToolFailure(`The page is no text but ${type || "binary"}.`);
  }
  const text = decode(body.bytes, contentType);
  const isHtml = /html/.test(type) || (type === "" && /^\s*<(?:!doctype|html)/i.test(text));
  return isHtml && format !== "html" ? convert(text.slice(0, maxHtmlLength), conversion) : text;
}

function decode(bytes: Buffer, contentType: string): string {
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? "utf-8";
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A label that nobody knows; UTF-8 is what it most likely is.
    return new TextDecoder().decode(bytes);
  }
}

/** In a thread: a page may be written so that its conversion takes seconds, or never ends. */
async function convert(html: string, { format, threads, signal }: Conversion): Promise<string> {
  const task = {
    program: new URL("./pageConverter.mjs", import.meta.url),
    input: { html, format, maxLength: maxConvertedLength },
    limitMs: conversionMs,
    limitMb: conversionMb,
  };
  const outcome = await threads.run(task, signal);
  if (outcome.kind === "done" && typeof outcome.result === "string") return outcome.result;
  throw new ToolFailure("The page takes too much to convert; fetch it with `format` html.");
}
