import { defined } from "../base/defined.js";
import { deepestJson, isNestedDeeper } from "../base/jsonDepth.js";
import { formatBytes, formatCount, withoutMiddle } from "../base/text.js";
import type { ToolResult } from "../tools/tool.js";
import { type CallResult, ContentBlock } from "./messages.js";
import { ResultImages } from "./resultImages.js";

/** The same length as for results of other tools. */
const mostCharacters = 50_000;
/** To look at a block takes time in which nothing else happens. */
const mostBlocks = 1_000;

/**
 * A tool server's result for the model: its texts and images, a note for everything else, and the
 * structured content if there is no text. If it is too long, the middle is left out.
 *
 * @param mayShow whether images go along; else they are noted as well.
 */
export function resultText(result: CallResult, mayShow = true): ToolResult {
  const content = result.content ?? [];
  const blocks = content.slice(0, mostBlocks).map((given) => ContentBlock.safeParse(given).data);
  const shown = new ResultImages(mayShow);
  const pieces = blocks.map((block) => blockText(block, shown));
  const rest = content.length - blocks.length;
  if (rest > 0) pieces.push(`[${formatCount(rest)} more blocks are left out]`);
  const { structuredContent } = result;
  // If there is a text, it says the same; the protocol advises servers to do so.
  const hasText = blocks.some((block) => block?.type === "text");
  if (!hasText && structuredContent !== undefined && structuredContent !== null) {
    pieces.push(
      isNestedDeeper(structuredContent)
        ? `[structured content that is nested more than ${deepestJson} levels deep, which cannot be shown]`
        : JSON.stringify(structuredContent, null, 2),
    );
  }
  const nothing =
    result.content === null ? 'The tool gave no content: its "content" is null.' : "(no content)";
  const output = withoutMiddle(pieces.join("\n").trim() || nothing, mostCharacters);
  const images = shown.images.length === 0 ? undefined : shown.images;
  return { output, ...defined({ isError: result.isError || undefined, images }) };
}

function blockText(block: ContentBlock | undefined, shown: ResultImages): string {
  switch (block?.type) {
    case undefined:
      return "[content of a kind that is not known here]";
    case "text":
      return block.text;
    case "image":
      return shown.add(block.mimeType, block.data);
    case "audio":
      return `[${block.type} (${block.mimeType}, ${sizeOf(block.data)}), which cannot be shown]`;
    case "resource":
      return resourceText(block.resource, shown);
    case "resource_link":
      return `[resource: ${block.name ?? ""} ${block.uri}]`;
  }
}

function resourceText(
  { uri, mimeType, text, blob }: Extract<ContentBlock, { type: "resource" }>["resource"],
  shown: ResultImages,
): string {
  if (text !== undefined) return `[resource: ${uri}]\n${text}`;
  if (mimeType?.startsWith("image/")) return shown.add(mimeType, blob ?? "", `resource: ${uri}`);
  return `[resource: ${uri} (${mimeType ?? "binary"}, ${sizeOf(blob ?? "")}), which cannot be shown]`;
}

function sizeOf(base64: string): string {
  return formatBytes(Buffer.byteLength(base64, "base64"));
}
