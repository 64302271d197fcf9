// The built server as a child process over real pipes, as a client has it. Every byte that it writes
// to stdout is checked (see wireChecks.ts); `endServers` fails the test file where one was wrong.
//
//   const server = await startServer();
//   const { id } = await server.call("createWorkspace", { path });
//   await server.close();

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { expect, inject } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { defined } from "../../src/base/defined.js";
import type {
  MethodName,
  NotificationName,
  NotificationParams,
  ParamsInput,
  PermissionQuestion,
  Result,
  RunComplete,
} from "../../src/protocol/index.js";
import { FrameReader, type Framing, frame } from "./frameReader.js";
import { bareEnvironment } from "./runFolder.js";
import { testNode } from "./testNode.js";
import { problemOf, problemOfResult, type WireError, type WireFrame } from "./wireChecks.js";

/** How a server is started. */
export interface StartOptions {
  readonly framing?: Framing;
  /** Behind `serve`; `--data-dir` comes by itself unless `dataDir` is null. */
  readonly args?: readonly string[];
  /** A new folder unless told. */
  readonly dataDir?: string | null;
  /** Added to an environment that has nothing but a search path and an empty home. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What runs Node: a program and its arguments, which gets Node and the rest behind them. */
  readonly program?: readonly [string, ...string[]];
  /** Node's own arguments. */
  readonly nodeArgs?: readonly string[];
  /** Another build's program. */
  readonly main?: string;
  /** Leaves stderr unread, or closes it. */
  readonly stderr?: "read" | "unread";
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Answers a request of the server: a result, an error, or nothing at all. */
export type RequestHandler = (
  question: PermissionQuestion,
) => Reaction | undefined | Promise<Reaction | undefined>;
type Reaction =
  | { readonly result: unknown }
  | { readonly error: { code: number; message: string } };

const started = new Set<ServerProcess>();
const folders: string[] = [];

/** A new empty folder, by its real path; removed by {@link endServers}. */
export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "turnwire-e2e-")));
  folders.push(folder);
  return folder;
}

/** Ends every server that this test file started, and checks what each has sent. For `afterAll`. */
export async function endServers(): Promise<void> {
  const servers = [...started];
  started.clear();
  await Promise.all(servers.map((server) => server.kill()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  expect(servers.flatMap(({ violations }) => violations)).toEqual([]);
}

/** Starts a server. Nothing is sent to it. */
export function startServer(options: StartOptions = {}): ServerProcess {
  const error = inject("buildError");
  if (error !== "") throw new Error(`the server could not be built: ${error}`);
  const server = new ServerProcess(options);
  started.add(server);
  return server;
}

/** The error that a request was answered with. */
class RequestFailed extends Error {
  constructor(
    method: string,
    readonly error: WireError,
  ) {
    super(`${method}: ${error.data.name}: ${error.message}`);
  }
}

/** One server. */
export class ServerProcess {
  readonly framing: Framing;
  readonly dataDir: string;
  /** Every message in the order of arrival, a batch as its members. */
  readonly frames: WireFrame[] = [];
  /** Every message as it came. */
  readonly texts: string[] = [];
  readonly violations: string[] = [];
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly exit: Promise<Exit>;
  /** Answers `requestPermission`; without one, the client has no handler. */
  onPermission: RequestHandler | undefined;
  /** All of stdout that has come, in bytes. */
  bytesRead = 0;
  #stderr = "";
  #lastId = 0;
  readonly #methods = new Map<string, string>();
  readonly #looks = new Set<() => void>();
  readonly #reader: FrameReader;
  #exited: Exit | undefined;

  constructor(options: StartOptions) {
    this.framing = options.framing ?? "ndjson";
    this.dataDir = options.dataDir ?? makeFolder();
    const dataDir = options.dataDir === null ? [] : ["--data-dir", this.dataDir];
    const [file, ...args] = [
      ...(options.program ?? []),
      testNode,
      ...(options.nodeArgs ?? []),
      options.main ?? inject("serverScript"),
      "serve",
      ...dataDir,
      ...(options.args ?? []),
    ];
    const home = makeFolder();
    this.child = spawn(file ?? testNode, args, {
      stdio: ["pipe", "pipe", "pipe"],
      cwd: options.cwd ?? home,
      env: { ...bareEnvironment(home), ...options.env },
    });
    this.#reader = new FrameReader(
      this.framing,
      (text) => this.#receive(text),
      (what) => this.violations.push(what),
    );
    this.child.stdout.on("data", (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      this.#reader.push(chunk);
    });
    if (options.stderr !== "unread") {
      this.child.stderr.on("data", (chunk: Buffer) => {
        this.#stderr = (this.#stderr + chunk.toString()).slice(-100_000);
        this.#lookForWarnings();
      });
    }
    // A server that has ended takes no more; what became of it is told by `exit`.
    this.child.stdin.on("error", () => {});
    const exited = new Deferred<Exit>();
    this.exit = exited.promise;
    this.child.on("close", (code, signal) => {
      this.#exited = { code, signal };
      if (signal === null && this.#reader.rest !== "") {
        this.violations.push(`stdout ended inside ${this.#reader.rest.slice(0, 200)}`);
      }
      exited.resolve(this.#exited);
      this.#lookAgain();
    });
  }

  /** Node warns of listeners that pile up, of what is deprecated and the like: all of it is ours to mend. */
  #lookForWarnings(): void {
    const [warning] = /^\(node:\d+\) .*$/m.exec(this.#stderr) ?? [];
    if (warning !== undefined && !this.violations.includes(warning)) this.violations.push(warning);
  }

  /** What came on stderr. */
  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Sends each text as one message, all of them in one write. */
  send(...texts: readonly string[]): void {
    this.sendRaw(texts.map((text) => frame(this.framing, text)).join(""));
  }

  /** Sends bytes as they are. */
  sendRaw(bytes: string | Buffer): void {
    this.child.stdin.write(bytes);
  }

  /** The text of a request with a new id, for {@link ServerProcess.send}. */
  request(method: string, params?: unknown, id: string | number = ++this.#lastId): string {
    this.#methods.set(JSON.stringify(id), method);
    return JSON.stringify({
      jsonrpc: "2.0",
      id,
      method,
      ...defined({ params }),
    });
  }

  notify(method: string, params?: unknown): void {
    this.send(JSON.stringify({ jsonrpc: "2.0", method, ...defined({ params }) }));
  }

  /** Sends a request; resolves with its answer, whatever that is. */
  ask(method: string, params?: unknown): Promise<WireFrame> {
    this.send(this.request(method, params));
    return this.answer(this.#lastId);
  }

  /** The answer to the request with this id. */
  answer(id: string | number | null): Promise<WireFrame> {
    return this.until(() => this.frames.find((one) => one.id === id && one.method === undefined));
  }

  /** Sends a request; resolves with its result, rejects with {@link RequestFailed}. */
  async call<M extends MethodName>(method: M, params: ParamsInput<M>): Promise<Result<M>> {
    const { error, result } = await this.ask(method, params);
    if (error !== undefined) throw new RequestFailed(method, error);
    return result as Result<M>;
  }

  /** Sends a request that is to fail; resolves with the error. */
  async fail(method: string, params?: unknown): Promise<WireError> {
    const { error, result } = await this.ask(method, params);
    if (error === undefined) throw new Error(`${method} succeeded: ${JSON.stringify(result)}`);
    return error;
  }

  /** Sends a request that is to fail; resolves with the error's name. */
  async failure(method: string, params?: unknown): Promise<string> {
    return (await this.fail(method, params)).data.name;
  }

  /** The params of every notification of a kind that has come. */
  events<N extends NotificationName>(method: N, match: object = {}): NotificationParams<N>[] {
    return this.frames
      .filter((one) => one.method === method && one.id === undefined && matches(one.params, match))
      .map((one) => one.params as NotificationParams<N>);
  }

  /** The first notification of a kind that has come or comes; its members are as in `match`. */
  event<N extends NotificationName>(method: N, match: object = {}): Promise<NotificationParams<N>> {
    return this.until(() => this.events(method, match)[0]);
  }

  /** The completion of a run. */
  completion(runId: string): Promise<RunComplete> {
    return this.event("runComplete", { runId });
  }

  /** Resolves with what `look` finds, now or after a later message; rejects when the server ends. */
  until<T>(look: () => T | undefined): Promise<T> {
    const found = new Deferred<T>();
    const lookOnce = () => {
      const value = look();
      if (value !== undefined) found.resolve(value);
      else if (this.#exited !== undefined) {
        found.reject(
          new Error(`the server ended (${JSON.stringify(this.#exited)}): ${this.#stderr}`),
        );
      } else return;
      this.#looks.delete(lookOnce);
    };
    this.#looks.add(lookOnce);
    lookOnce();
    return found.promise;
  }

  /** Answers `ping`: everything that was sent before has been dispatched. */
  async settle(): Promise<void> {
    await this.call("ping", {});
  }

  /** Ends stdin; resolves with the way that the server ended. */
  async close(): Promise<Exit> {
    this.child.stdin.end();
    return this.exit;
  }

  /** Ends the server in any case. */
  async kill(): Promise<void> {
    if (this.#exited === undefined) {
      this.child.stdout.resume();
      this.child.stderr.resume();
      this.child.kill("SIGKILL");
    }
    await this.exit;
  }

  #receive(text: string): void {
    this.texts.push(text);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.violations.push(`not JSON: ${text.slice(0, 200)}`);
      return;
    }
    for (const one of Array.isArray(value) ? value : [value]) this.#take(one);
    this.#lookAgain();
  }

  #take(value: unknown): void {
    const problem = problemOf(value) ?? this.#problemOfAnswer(value as WireFrame);
    if (problem !== undefined) {
      this.violations.push(`${problem}: ${JSON.stringify(value).slice(0, 400)}`);
    }
    const received = value as WireFrame;
    this.frames.push(received);
    if (received.method !== undefined && received.id !== undefined) void this.#react(received);
  }

  #problemOfAnswer({ id, method, result, error }: WireFrame): string | undefined {
    if (method !== undefined || error !== undefined || id === undefined) return undefined;
    return problemOfResult(this.#methods.get(JSON.stringify(id)) ?? "", result);
  }

  async #react({ id, params }: WireFrame): Promise<void> {
    const { onPermission } = this;
    const reaction =
      onPermission === undefined
        ? { error: { code: -32601, message: "Method not found" } }
        : await onPermission(params as PermissionQuestion);
    if (reaction !== undefined) this.send(JSON.stringify({ jsonrpc: "2.0", id, ...reaction }));
  }

  #lookAgain(): void {
    for (const look of [...this.#looks]) look();
  }
}

function matches(params: Readonly<Record<string, unknown>> | undefined, match: object): boolean {
  return Object.entries(match).every(([name, value]) => params?.[name] === value);
}
