// The kit's own frames (protocol.md section 1): it must not share the code of a server that it checks.

/** How messages are set apart. */
export type Framing = "ndjson" | "header";

/** What a reader tells. */
export interface FrameListener {
  onText(text: string): void;
  /** Bytes that are part of no frame. */
  onStray(what: string): void;
  /** A header whose length is not the length of the body in bytes. */
  onWrongLength(what: string): void;
}

/** A message in its framing. */
export function frame(framing: Framing, text: string): Buffer {
  if (framing === "ndjson") return Buffer.from(`${text}\n`);
  return Buffer.from(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

const headerEnd = "\r\n\r\n";

/** Takes a server's stdout apart. It reads on after what is wrong, so that one fault is told once. */
export class FrameReader {
  readonly #framing: Framing;
  readonly #listener: FrameListener;
  #chunks: Buffer[] = [];

  constructor(framing: Framing, listener: FrameListener) {
    this.#framing = framing;
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#framing === "ndjson" && !chunk.includes(0x0a)) return;
    let bytes: Buffer = Buffer.concat(this.#chunks);
    for (;;) {
      const rest = this.#framing === "ndjson" ? this.#takeLine(bytes) : this.#takeBody(bytes);
      if (rest === undefined) break;
      bytes = rest;
    }
    this.#chunks = bytes.length === 0 ? [] : [bytes];
  }

  /** The output has ended: what is left is no frame. */
  end(): void {
    const rest = Buffer.concat(this.#chunks).toString();
    this.#chunks = [];
    if (rest !== "") this.#listener.onStray(`the output ends within a frame: ${shown(rest)}`);
  }

  #takeLine(bytes: Buffer): Buffer | undefined {
    const end = bytes.indexOf(0x0a);
    if (end === -1) return undefined;
    const text = bytes.toString("utf8", 0, end);
    if (isJson(text)) this.#listener.onText(text);
    else this.#listener.onStray(`a line that is no message: ${shown(text)}`);
    return bytes.subarray(end + 1);
  }

  #takeBody(bytes: Buffer): Buffer | undefined {
    if (bytes.length === 0) return undefined;
    const end = bytes.indexOf(headerEnd);
    if (end === -1) return undefined;
    const header = bytes.toString("latin1", 0, end);
    const found = header.search(/content-length:/i);
    if (found > 0 && header[found - 1] !== "\n") {
      this.#listener.onStray(`before a header: ${shown(header.slice(0, found))}`);
    }
    const length = Number(/content-length:\s*(\d+)/i.exec(header)?.[1] ?? Number.NaN);
    const from = end + headerEnd.length;
    if (Number.isNaN(length)) {
      this.#listener.onStray(`a header block without a length: ${shown(header)}`);
      return bytes.subarray(from);
    }
    if (bytes.length < from + length) return this.#takeShortBody(bytes, from);
    const text = bytes.toString("utf8", from, from + length);
    if (isJson(text)) {
      this.#listener.onText(text);
      return bytes.subarray(from + length);
    }
    return this.#takeWrongBody(bytes, from);
  }

  /** A body that is whole although its header says that more follows; else the rest is to come. */
  #takeShortBody(bytes: Buffer, from: number): Buffer | undefined {
    const last = bytes.at(-1);
    if (bytes.length === from || (last !== 0x7d && last !== 0x5d)) return undefined;
    const text = bytes.toString("utf8", from);
    if (!isJson(text)) return undefined;
    this.#listener.onWrongLength(`Content-Length is more than the length of ${shown(text)}`);
    this.#listener.onText(text);
    return bytes.subarray(bytes.length);
  }

  /** A body that its header cuts: it goes on to the next header, or to the end of what has come. */
  #takeWrongBody(bytes: Buffer, from: number): Buffer | undefined {
    const next = bytes.indexOf("Content-Length:", from);
    const end = next === -1 ? bytes.length : next;
    const text = bytes.toString("utf8", from, end);
    if (!isJson(text) && next === -1) return undefined;
    this.#listener.onWrongLength(`Content-Length is not the length of ${shown(text)}`);
    if (isJson(text)) this.#listener.onText(text);
    return bytes.subarray(end);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A text as a report shows it. */
function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
