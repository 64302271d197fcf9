// What came back, as text for the model.
import { ToolFailure } from "../failure.js";
import { withinTimeLimit } from "../timeLimit.js";
import type { WebResponse } from "./request.js";

/** How a page is wanted. */
export type PageFormat = "markdown" | "text" | "html";

const maxBodyBytes = 5 * 1024 * 1024;
/** A longer page is converted as far as this; the rest would not fit a result anyway. */
const maxHtmlLength = 1_000_000;
const conversionMs = 2_000;

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

/**
 * A body as text.
 * @throws ToolFailure when it is none.
 */
export async function pageText(
  body: Body,
  contentType: string,
  format: PageFormat,
): Promise<string> {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  const isTextual = /^text\/|[/+](?:json|xml|javascript|ecmascript|yaml|toml)$|^$/.test(type);
  if (!isTextual || body.bytes.subarray(0, 8192).includes(0)) {
    throw new ToolFailure(`The page is no text but ${type || "binary"}.`);
  }
  const text = decode(body.bytes, contentType);
  const isHtml = /html/.test(type) || (type === "" && /^\s*<(?:!doctype|html)/i.test(text));
  return isHtml && format !== "html" ? convert(text.slice(0, maxHtmlLength), format) : text;
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

async function convert(html: string, format: "markdown" | "text"): Promise<string> {
  const { default: Turndown } = await import("turndown");
  const service = new Turndown({
    headingStyle: "atx",
    codeBlockStyle: "fenced",
    bulletListMarker: "-",
  });
  service.remove(["script", "style", "noscript", "iframe", "template", "title"]);
  if (format === "text") {
    service.addRule("link", { filter: "a", replacement: (content) => content });
    service.addRule("image", { filter: "img", replacement: () => "" });
  }
  const message = "The page takes too long to convert; fetch it with `format` html.";
  try {
    return withinTimeLimit(conversionMs, message, () => service.turndown(html));
  } catch (error) {
    // A page nested thousands of levels deep.
    if (error instanceof RangeError) throw new ToolFailure(message, { cause: error });
    throw error;
  }
}
