// A client that costs as little as a client can, the same for the floor and for the server: header
// framing over real pipes, each message parsed once.
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

/** The params of a notification. */
export type Notice = Readonly<Record<string, unknown>>;
type Listener = (params: Notice) => void;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Notice;
  readonly result?: Notice;
  readonly error?: { readonly message: string };
}

export interface PeerOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For node itself. */
  readonly nodeArgs?: readonly string[];
}

/** A child process that is spoken to. */
export class Peer {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<
    number,
    { resolve: (result: Notice) => void; reject: (error: Error) => void }
  >();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #exited: Promise<unknown>;
  #lastId = 0;
  #pieces: Buffer[] = [];
  #held = 0;
  #wanted = 0;
  #stderr = "";
  /** All that it wrote to stdout, in bytes. */
  bytes = 0;
  /** The messages that it sent. */
  messages = 0;

  constructor({ args, env = {}, nodeArgs = [] }: PeerOptions) {
    this.#child = spawn(process.execPath, [...nodeArgs, ...args], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "", ...env },
    });
    this.#child.stdout.on("data", (piece: Buffer) => this.#read(piece));
    this.#child.stderr.on("data", (text: Buffer) => {
      this.#stderr = (this.#stderr + text.toString()).slice(-5000);
    });
    this.#child.stdin.on("error", () => {});
    this.#exited = once(this.#child, "close").then(() => {
      const error = new Error(`${args.join(" ")} ended: ${this.#stderr}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends a request; resolves with its result. */
  request(method: string, params: object): Promise<Notice> {
    const id = ++this.#lastId;
    const answered = new Promise<Notice>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#write({ jsonrpc: "2.0", id, method, params });
    return answered;
  }

  notify(method: string, params: object): void {
    this.#write({ jsonrpc: "2.0", method, params });
  }

  /** Calls `listener` with every notification of this name; returns how to stop that. */
  on(method: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(method) ?? new Set();
    this.#listeners.set(method, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The next notification of this name that `isIt` accepts. */
  next(method: string, isIt: (params: Notice) => boolean): Promise<Notice> {
    return new Promise((resolve) => {
      const stop = this.on(method, (params) => {
        if (!isIt(params)) return;
        stop();
        resolve(params);
      });
    });
  }

  /** Memory that is resident, in MB. */
  residentMb(): number {
    if (process.platform === "linux") {
      const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    }
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(this.pid)])) / 1024;
  }

  /** Ends its input, and waits for its end. */
  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#exited;
  }

  #write(message: object): void {
    const body = Buffer.from(JSON.stringify(message));
    this.#child.stdin.write(`Content-Length: ${body.length}\r\n\r\n${body}`);
  }

  #read(piece: Buffer): void {
    this.bytes += piece.length;
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held < this.#wanted) return;
    let bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    this.#wanted = 0;
    for (;;) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end < 0) break;
      const length = Number(/content-length: *(\d+)/i.exec(bytes.toString("latin1", 0, end))?.[1]);
      const next = end + 4 + length;
      if (bytes.length < next) {
        this.#wanted = next;
        break;
      }
      this.#take(JSON.parse(bytes.toString("utf8", end + 4, next)) as Message);
      bytes = bytes.subarray(next);
    }
    this.#pieces = bytes.length === 0 ? [] : [bytes];
    this.#held = bytes.length;
  }

  #take({ id, method, params = {}, result = {}, error }: Message): void {
    this.messages++;
    if (method !== undefined) {
      for (const listener of this.#listeners.get(method) ?? []) listener(params);
      return;
    }
    const waiting = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error.message));
  }
}
