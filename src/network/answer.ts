// An answer over HTTP, with what is used of the platform's `Response`. That class comes with all of the
// platform's `fetch`; see `headerList.ts`.
import type { HeaderList } from "./headerList.js";

/** What an answer begins with. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList | Headers;
  readonly url?: string;
}

/** An answer. Its body can be read once. */
export class Answer {
  readonly type = "default";
  readonly redirected = false;
  readonly status: number;
  readonly statusText: string;
  readonly headers: HeaderList | Headers;
  readonly url: string;
  readonly body: ReadableStream<Uint8Array> | null;

  private constructor(body: ReadableStream<Uint8Array> | null, head: AnswerHead) {
    this.body = body;
    this.status = head.status;
    this.statusText = head.statusText;
    this.headers = head.headers;
    this.url = head.url ?? "";
  }

  /** Makes an answer, for what takes the platform's `Response`. */
  static of(body: ReadableStream<Uint8Array> | null, head: AnswerHead): Response {
    return new Answer(body, head) as unknown as Response;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const pieces: Uint8Array[] = [];
    if (this.body !== null) for await (const piece of this.body) pieces.push(piece);
    return new Uint8Array(Buffer.concat(pieces)).buffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.arrayBuffer());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}
