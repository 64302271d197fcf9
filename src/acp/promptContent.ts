// What an editor sends with a prompt, as Turnwire takes it, and back for a replay.
import type { ContentBlock } from "@agentclientprotocol/sdk";
import type { Attachment } from "../protocol/objects/message.js";

/** An attachment with its bytes. */
type Sent = Extract<Attachment, { readonly data: string }>;

/** A prompt with what goes along with it. */
export interface PromptContent {
  readonly prompt: string;
  readonly attachments: Sent[];
}

/** Makes a prompt from content blocks, in their order. */
export function promptOf(blocks: readonly ContentBlock[]): PromptContent {
  const pieces: Piece[] = [];
  const attachments: Sent[] = [];
  for (const block of blocks) {
    switch (block.type) {
      case "text":
        pieces.push({ text: block.text, isOwn: true });
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
        pieces.push({ text: `[${block.title ?? block.name}](${block.uri})`, isOwn: false });
        break;
      case "resource": {
        const { resource } = block;
        if ("text" in resource) {
          const uri = attribute(resource.uri);
          pieces.push({
            text: `<resource uri="${uri}">\n${resource.text}\n</resource>`,
            isOwn: false,
          });
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
  const prompt = joined(pieces);
  const isSilent = prompt.trim() === "" && attachments.length > 0;
  // A run needs a prompt, but an editor lets a person send a picture without a word.
  return {
    prompt: isSilent ? attachments.map(({ name }) => `[${name}]`).join(" ") : prompt,
    attachments,
  };
}

/** A piece of a prompt. */
interface Piece {
  readonly text: string;
  /** Whether the person wrote it, rather than mentioned it. */
  readonly isOwn: boolean;
}

/**
 * The whole text of a prompt. An editor cuts what a person wrote where something is mentioned, and some do
 * it at every `@`: there the pieces belong together as they are. What stands beside each other without a
 * space or a mark of punctuation between was not cut, and gets lines of its own.
 */
function joined(pieces: readonly Piece[]): string {
  let whole = "";
  let before: Piece | undefined;
  for (const piece of pieces) {
    if (piece.text === "") continue;
    if (before !== undefined && !isCut(before, piece)) whole += "\n";
    whole += piece.text;
    before = piece;
  }
  return whole;
}

function isCut(before: Piece, after: Piece): boolean {
  return (
    (before.isOwn && /[\s(["'`<{]/.test(before.text.slice(-1))) ||
    (after.isOwn && /[\s)\]"'`>},.;:!?]/.test(after.text.charAt(0)))
  );
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
