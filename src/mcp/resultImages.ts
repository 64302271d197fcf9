// Takes the images of a tool server's result that a model can be shown, within bounds.
import { imageKind } from "../base/imageKind.js";
import { formatBytes } from "../base/text.js";
import type { ToolImage } from "../tools/tool.js";

const mostImages = 10;
/** Providers take an image of 5 MB in base64. */
const mostBytes = 3_900_000;
const mostBytesTogether = 8_000_000;
const shownTypes = /^image\/(png|jpeg|gif|webp)$/;

/** Takes the images of one result. */
export class ResultImages {
  readonly images: ToolImage[] = [];
  readonly #mayShow: boolean;
  #bytes = 0;

  /** Without `mayShow` it takes no image. */
  constructor(mayShow = true) {
    this.#mayShow = mayShow;
  }

  /** Takes an image, and returns the note that replaces it in the text. */
  add(mimeType: string, base64: string, of = "image"): string {
    const size = Buffer.byteLength(base64, "base64");
    const what = `${of} (${mimeType}, ${formatBytes(size)})`;
    if (!this.#mayShow || !shownTypes.test(mimeType)) return `[${what}, which cannot be shown]`;
    const isFull = this.images.length >= mostImages || this.#bytes + size > mostBytesTogether;
    if (isFull || size > mostBytes) {
      return `[${what}, which is not shown: ${isFull ? "there are too many" : "it is too large"}]`;
    }
    const data = Buffer.from(base64, "base64");
    if (imageKind(data) !== mimeType) return `[${what}, which cannot be shown]`;
    const name = `image ${this.images.length + 1}`;
    this.images.push({ name, mimeType, data });
    this.#bytes += data.length;
    return `[${name}: ${what}]`;
  }
}
