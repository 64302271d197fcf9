// A built server as a child process behind real pipes, spoken to in ndjson with as little between
// as can be: what it says is what the test sees.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { defined } from "../../src/base/defined.js";
import { bareEnvironment } from "./runFolder.js";

/** An error that the server answered. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(error: { code: number; message: string; data?: Record<string, unknown> }) {
    super(error.message);
    this.code = error.code;
    this.data = error.data ?? {};
  }
}

/** The server is gone, and with it the answer. */
export class GoneError extends Error {}

/** A message from the server that has no id of ours. */
export interface Notice {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** How to start it. */
export interface ChildOptions {
  readonly main: string;
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly args?: readonly string[];
  /** What runs it, instead of Node itself; gets the server's own arguments. */
  readonly program?: readonly [string, ...string[]];
  onNotice?(notice: Notice): void;
}

interface Waiting {
  resolve(result: Record<string, unknown>): void;
  reject(error: Error): void;
}

export class ServerChild {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onNotice: (notice: Notice) => void;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #nextId = 1;
  #rest: Buffer[] = [];
  #stderr = "";
  #isGone = false;

  constructor({ main, dataDir, cwd, env = {}, args = [], program, onNotice }: ChildOptions) {
    this.#onNotice = onNotice ?? (() => {});
    const [file, ...before] = program ?? [process.execPath, main];
    const child = spawn(file, [...before, "serve", "--data-dir", dataDir, ...args], {
      ...defined({ cwd }),
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...bareEnvironment(dataDir), ...env },
    });
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => this.#read(chunk));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-20_000);
    });
    // A killed server leaves a pipe that takes nothing more; its end is told by `exited`.
    child.stdin.on("error", () => {});
    this.exited = once(child, "close").then(([code, signal]) => {
      this.#isGone = true;
      for (const { reject } of this.#waiting.values()) reject(this.#goneError());
      this.#waiting.clear();
      return { code, signal };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The end of what it logged. */
  get stderr(): string {
    return this.#stderr;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  request(method: string, params: object = {}): Promise<Record<string, unknown>> {
    if (this.#isGone) return Promise.reject(this.#goneError());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#write({ jsonrpc: "2.0", id, method, params });
    });
  }

  notify(method: string, params: object): void {
    this.#write({ jsonrpc: "2.0", method, params });
  }

  /** Reads nothing more until {@link resume}: the pipe fills up. */
  pause(): void {
    this.#child.stdout.pause();
  }

  resume(): void {
    this.#child.stdout.resume();
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  /** Goes away without a word, as a client that crashes; resolves when the server has ended too. */
  async abandon(): Promise<void> {
    this.#child.stdout.destroy();
    this.#child.stdin.destroy();
    await this.exited;
  }

  /** Ends its input, and hears nothing more of it; a server that lingers ends its turns first. */
  leave(): void {
    this.#isGone = true;
    this.#child.stdin.end();
    for (const { reject } of this.#waiting.values()) reject(this.#goneError());
    this.#waiting.clear();
  }

  /** Closes in good order; resolves with the exit code. */
  async end(): Promise<number | null> {
    this.#child.stdin.end();
    return (await this.exited).code;
  }

  #goneError(): GoneError {
    return new GoneError(`the server is gone; its last words were ${this.#stderr.slice(-500)}`);
  }

  #write(message: object): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #read(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...this.#rest, chunk.subarray(from, end)]).toString("utf8");
      this.#rest = [];
      from = end + 1;
      this.#take(JSON.parse(line));
    }
    if (from < chunk.length) this.#rest.push(chunk.subarray(from));
  }

  #take(message: {
    id?: number;
    method?: string;
    params?: Record<string, unknown>;
    result?: Record<string, unknown>;
    error?: { code: number; message: string; data?: Record<string, unknown> };
  }): void {
    if (this.#isGone) return;
    if (message.method !== undefined) {
      this.#onNotice({ method: message.method, params: message.params ?? {} });
      return;
    }
    const waiting = this.#waiting.get(message.id ?? -1);
    this.#waiting.delete(message.id ?? -1);
    if (message.error !== undefined) waiting?.reject(new RpcError(message.error));
    else waiting?.resolve(message.result ?? {});
  }
}
