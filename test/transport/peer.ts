/** The other side of a channel, by hand: sends raw text and takes the messages that come back. */

import { PassThrough, Writable } from "node:stream";
import { defined } from "../../src/base/defined.js";
import { silentLog } from "../../src/base/log.js";
import { type Channel, type ChannelOptions, openChannel } from "../../src/transport/channel.js";
import type { Framing } from "../../src/transport/framing.js";

/** Independent of the code under test: takes one message off the front, or says that none is whole. */
function takeMessage(framing: Framing, bytes: Buffer): { text: string; rest: Buffer } | undefined {
  if (framing === "ndjson") {
    const end = bytes.indexOf("\n");
    if (end === -1) return undefined;
    return { text: bytes.toString("utf8", 0, end), rest: bytes.subarray(end + 1) };
  }
  const header = /^Content-Length: (\d+)\r\n\r\n/.exec(bytes.toString("latin1"));
  if (header === null) return undefined;
  const end = header[0].length + Number(header[1]);
  if (bytes.length < end) return undefined;
  return { text: bytes.toString("utf8", header[0].length, end), rest: bytes.subarray(end) };
}

export class Peer {
  readonly channel: Channel;
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly framing: Framing;
  #received = Buffer.alloc(0);
  #waiting: (() => void)[] = [];

  constructor(framing: Framing = "ndjson", options: Partial<ChannelOptions> = {}) {
    this.framing = framing;
    const { input, output } = this;
    this.channel = openChannel({ input, output, framing: "auto", log: silentLog, ...options });
    this.output.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** What came back and was not taken by {@link Peer.next}. */
  get untaken(): string {
    return this.#received.toString("utf8");
  }

  frame(text: string): string {
    return this.framing === "ndjson"
      ? `${text}\n`
      : `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  }

  /** Sends each text, or value as JSON, as one message. */
  send(...messages: unknown[]): void {
    for (const message of messages) {
      this.input.write(this.frame(typeof message === "string" ? message : JSON.stringify(message)));
    }
  }

  async nextText(): Promise<string> {
    for (;;) {
      const taken = takeMessage(this.framing, this.#received);
      if (taken !== undefined) {
        this.#received = Buffer.from(taken.rest);
        return taken.text;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async next(): Promise<unknown> {
    return JSON.parse(await this.nextText());
  }

  request(id: string | number | null, method: string, params?: unknown): void {
    this.send({ jsonrpc: "2.0", id, method, ...defined({ params }) });
  }
}

/** What the transport answers by itself to a bad message. */
export function badMessage(name: "ParseError" | "InvalidRequest" | "MessageTooLarge") {
  const code = name === "ParseError" ? -32700 : -32600;
  const data = { name, retryable: false };
  return { jsonrpc: "2.0", id: null, error: { code, data } };
}

/** An output that takes bytes only when told to. */
export function slowOutput() {
  const taken: string[] = [];
  let accept: (() => void) | undefined;
  const output = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      accept = () => {
        taken.push(String(chunk));
        done();
      };
    },
  });
  return {
    output,
    taken,
    acceptOne() {
      const run = accept;
      accept = undefined;
      run?.();
    },
  };
}
