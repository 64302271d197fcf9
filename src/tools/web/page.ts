// Turns a response into text for the model.
import type { WorkRunner } from "../../process/workProcesses.js";
import { ToolFailure } from "../failure.js";
import type { WebResponse } from "./request.js";

/** The wanted form of a page. */
export type PageFormat = "markdown" | "text" | "html";

const maxBodyBytes = 5 * 1024 * 1024;
/** A longer page is converted up to here; the rest would not fit into a result. */
const maxHtmlLength = 1_000_000;
/** More text of a converted page than a result takes. */
const maxConvertedLength = 200_000;
const conversionMs = 10_000;
const conversionMb = 256;

/** A response's body. */
export interface Body {
  readonly bytes: Buffer;
  /** Whether there was more. */
  readonly isCut: boolean;
}

/** Reads a body up to a limit. */
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

/** How a body is made into text. */
export interface Conversion {
  readonly contentType: string;
  readonly format: PageFormat;
  readonly work: WorkRunner;
  readonly signal: AbortSignal;
}

/**
 * A body as text.
 * @throws ToolFailure if it is no text, or cannot be converted within the limits of time and
 * memory.
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
    // An unknown label; most likely it is UTF-8.
    return new TextDecoder().decode(bytes);
  }
}

/** This runs in a process of its own: a hostile page may make its conversion take seconds, or never end. */
async function convert(html: string, { format, work, signal }: Conversion): Promise<string> {
  const task = {
    program: new URL("./pageConverter.mjs", import.meta.url),
    input: { html, format, maxLength: maxConvertedLength },
    limitMs: conversionMs,
    limitMb: conversionMb,
  };
  const outcome = await work.run(task, signal);
  if (outcome.kind === "done" && typeof outcome.result === "string") return outcome.result;
  throw new ToolFailure("The page takes too much to convert; fetch it with `format` html.");
}
