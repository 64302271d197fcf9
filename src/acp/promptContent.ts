// What an editor sends with a prompt, as Turnwire takes it, and back for a replay.
import type { ContentBlock } from "@agentclientprotocol/sdk";
import type { Attachment } from "../protocol/objects/message.js";

/** A prompt with what goes along with it. */
export interface PromptContent {
  readonly prompt: string;
  readonly attachments: Attachment[];
}

/** Makes a prompt from content blocks, in their order. */
export function promptOf(blocks: readonly ContentBlock[]): PromptContent {
  const texts: string[] = [];
  const attachments: Attachment[] = [];
  for (const block of blocks) {
    switch (block.type) {
      case "text":
        texts.push(block.text);
        break;
      case "image":
      case "audio":
        attachments.push({
          name: nameOf("uri" in block ? block.uri : undefined, block.type),
          mimeType: block.mimeType,
          data: block.data,
        });
        break;
      case "resource_link":
        texts.push(`[${block.title ?? block.name}](${block.uri})`);
        break;
      case "resource": {
        const { resource } = block;
        if ("text" in resource) {
          texts.push(`<resource uri="${attribute(resource.uri)}">\n${resource.text}\n</resource>`);
        } else {
          attachments.push({
            name: nameOf(resource.uri, "file"),
            mimeType: resource.mimeType ?? "application/octet-stream",
            data: resource.blob,
          });
        }
      }
    }
  }
  return { prompt: texts.join("\n"), attachments };
}

/** The last part of an address, as a name for a person. */
function nameOf(uri: string | null | undefined, otherwise: string): string {
  const path = (uri ?? "").split(/[?#]/, 1)[0] ?? "";
  const last = path.slice(path.lastIndexOf("/") + 1);
  return last === "" ? otherwise : last.slice(0, 200);
}

function attribute(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
}
