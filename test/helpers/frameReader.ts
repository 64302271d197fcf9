// Takes a server's stdout apart, strictly and independently of the code under test: whatever is not
// a frame, byte for byte as the contract says, is a violation.

/** How messages are set apart. */
export type Framing = "header" | "ndjson";

/** A message in its framing. */
export function frame(framing: Framing, text: string): string {
  if (framing === "ndjson") return `${text}\n`;
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Reads frames from bytes. */
export class FrameReader {
  readonly #framing: Framing;
  readonly #onText: (text: string) => void;
  readonly #onViolation: (what: string) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #wanted = 0;

  constructor(
    framing: Framing,
    onText: (text: string) => void,
    onViolation: (what: string) => void,
  ) {
    this.#framing = framing;
    this.#onText = onText;
    this.#onViolation = onViolation;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    const mayBeWhole = this.#framing === "ndjson" ? chunk.includes(0x0a) : true;
    if (!mayBeWhole || this.#length < this.#wanted) return;
    let bytes: Buffer = Buffer.concat(this.#chunks);
    for (;;) {
      const taken = this.#framing === "ndjson" ? takeLine(bytes) : this.#takeBody(bytes);
      if (taken === undefined) break;
      this.#onText(taken.text);
      bytes = taken.rest;
    }
    this.#chunks = [bytes];
    this.#length = bytes.length;
  }

  /** The bytes that are no whole frame. */
  get rest(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  #takeBody(bytes: Buffer): { text: string; rest: Buffer } | undefined {
    if (bytes.length === 0) return undefined;
    const head = bytes.toString("latin1", 0, 64);
    const header = /^Content-Length: (\d+)\r\n\r\n/.exec(head);
    if (header === null) {
      const isBeginning = /^C[a-zA-Z-]*(: ?\d*\r?\n?\r?)?$/.test(head);
      if (!isBeginning) this.#onViolation(`no header block: ${JSON.stringify(head)}`);
      return undefined;
    }
    const end = header[0].length + Number(header[1]);
    this.#wanted = end;
    if (bytes.length < end) return undefined;
    this.#wanted = 0;
    return { text: bytes.toString("utf8", header[0].length, end), rest: bytes.subarray(end) };
  }
}

function takeLine(bytes: Buffer): { text: string; rest: Buffer } | undefined {
  const end = bytes.indexOf(0x0a);
  if (end === -1) return undefined;
  return { text: bytes.toString("utf8", 0, end), rest: bytes.subarray(end + 1) };
}
