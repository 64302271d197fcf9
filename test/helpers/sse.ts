import type { ServerResponse } from "node:http";

/** Writes server-sent events, in whatever pieces a test wants them to arrive. */
export class SseWriter {
  readonly #response: ServerResponse;
  readonly #pieceBytes: number | undefined;

  /** @param pieceBytes sends the bytes in pieces of this length, wherever that cuts. */
  constructor(response: ServerResponse, pieceBytes?: number) {
    this.#response = response;
    this.#pieceBytes = pieceBytes;
  }

  begin(headers: Readonly<Record<string, string>> = {}): void {
    this.#response.socket?.setNoDelay(true);
    this.#response.writeHead(200, { "content-type": "text/event-stream", ...headers });
    this.#response.flushHeaders();
  }

  /** Sends one event; `name` is its `event` line. */
  async event(data: unknown, name?: string): Promise<void> {
    const body = typeof data === "string" ? data : JSON.stringify(data);
    await this.raw(`${name === undefined ? "" : `event: ${name}\n`}data: ${body}\n\n`);
  }

  /** Sends text as it is. */
  async raw(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const size = this.#pieceBytes ?? bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      if (this.#response.destroyed) return;
      await this.#write(bytes.subarray(at, at + size));
      // A turn of the event loop between two writes keeps them from arriving as one.
      if (size < bytes.length) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when the bytes are on their way, or the connection is gone. */
  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => this.#response.write(bytes, () => resolve()));
  }

  end(): void {
    this.#response.end();
  }
}
