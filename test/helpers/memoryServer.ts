// A whole server without its process: composed as in production, with gated turns, over a channel of
// two streams in memory. The client at the other end speaks JSON by hand.

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { Deferred } from "../../src/base/deferred.js";
import { defined } from "../../src/base/defined.js";
import type { Log } from "../../src/base/log.js";
import { silentLog } from "../../src/base/log.js";
import { type ClientHooks, composeServer, type Server } from "../../src/compose.js";
import { openChannel } from "../../src/transport/channel.js";
import { temporaryFolder } from "./coordinatorHouse.js";
import { GatedEngine } from "./gatedEngine.js";
import { CountingIds } from "./virtualScheduler.js";

/** A message as it went over the wire. */
export interface WireMessage {
  readonly id?: string | number | null;
  readonly method?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into what came, whatever that is.
  readonly params?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly result?: any;
  readonly error?: { code: number; message: string; data: Record<string, unknown> };
}

/** The client's end of one connection. */
export class MemoryClient {
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  readonly #answers = new Map<string | number, Deferred<WireMessage>>();
  readonly #channel: ReturnType<typeof openChannel>;
  readonly #close: () => void;
  #lastId = 0;
  #text = "";
  /** Everything that came, in order. */
  readonly received: WireMessage[] = [];
  /** What answers the server's requests; without one they wait. */
  onRequest: ((message: WireMessage) => object | undefined) | undefined;
  readonly exitAsked: Promise<void>;
  #waiting: (() => void)[] = [];

  constructor(server: Server, log: Log, hooks: ClientHooks) {
    this.#channel = openChannel({
      input: this.#input,
      output: this.#output,
      framing: "ndjson",
      log,
      maxMessageBytes: 200_000,
    });
    const connection = server.connect(this.#channel, hooks);
    this.exitAsked = connection.exitAsked;
    this.#close = () => connection.close();
    this.#output.on("data", (chunk: Buffer) => this.#take(chunk.toString()));
  }

  #take(chunk: string): void {
    const lines = (this.#text + chunk).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) this.#receive(JSON.parse(line));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #receive(message: WireMessage): void {
    this.received.push(message);
    const { id } = message;
    if (id === undefined || id === null) return;
    if (message.method === undefined) {
      this.#answers.get(id)?.resolve(message);
      return;
    }
    const answer = this.onRequest?.(message);
    if (answer !== undefined) this.send({ jsonrpc: "2.0", id, ...answer });
  }

  send(message: object): void {
    this.sendText(JSON.stringify(message));
  }

  sendText(line: string): void {
    this.#input.write(`${line}\n`);
  }

  notify(method: string, params?: unknown): void {
    this.send({ jsonrpc: "2.0", method, ...defined({ params }) });
  }

  /** Sends a request; `id` can be used to cancel it. */
  request(method: string, params?: unknown): { id: number; answer: Promise<WireMessage> } {
    const id = ++this.#lastId;
    const deferred = new Deferred<WireMessage>();
    this.#answers.set(id, deferred);
    this.send({ jsonrpc: "2.0", id, method, ...defined({ params }) });
    return { id, answer: deferred.promise };
  }

  /** The result of a request; throws its error. */
  async call(method: string, params?: unknown): Promise<WireMessage["result"]> {
    const { result, error } = await this.request(method, params).answer;
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
    return result;
  }

  /** The error of a request. */
  async refused(method: string, params?: unknown): Promise<NonNullable<WireMessage["error"]>> {
    const { error, result } = await this.request(method, params).answer;
    if (error === undefined) throw new Error(`${method} was answered ${JSON.stringify(result)}`);
    return error;
  }

  /** The notifications of a name that have come. */
  told(method: string): WireMessage["params"][] {
    return this.received.filter((one) => one.method === method).map(({ params }) => params);
  }

  /** The next error that answers no request in particular. */
  async untilError(): Promise<NonNullable<WireMessage["error"]>> {
    for (;;) {
      const found = this.received.find(({ id, error }) => id === null && error !== undefined);
      if (found?.error !== undefined) return found.error;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves once the `count`-th notification or request of a name has come. */
  async until(method: string, count = 1): Promise<WireMessage["params"]> {
    while (this.told(method).length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.told(method)[count - 1];
  }

  /** The client's process is gone. */
  leave(): void {
    this.#close();
    this.#channel.dispose();
  }
}

export interface MemoryServerOptions {
  readonly directory?: string;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly lingerMs?: number;
  readonly isShared?: boolean;
  readonly ids?: CountingIds;
}

/** A composed server, its engines by workspace, and a folder to open. */
export class MemoryServer {
  readonly folder: string;
  readonly directory: string;
  readonly server: Server;
  readonly engines: GatedEngine[] = [];
  readonly watched: number[] = [];
  readonly env: Record<string, string>;
  readonly #log: Log;
  readonly #remove: () => void;

  constructor(options: MemoryServerOptions = {}) {
    const temporary = temporaryFolder();
    this.#remove = temporary.remove;
    this.#log = options.log ?? silentLog;
    this.folder = join(temporary.path, "project");
    mkdirSync(this.folder);
    this.env = { HOME: temporary.path, XDG_CONFIG_HOME: join(temporary.path, "config") };
    this.directory = options.directory ?? join(temporary.path, "data");
    this.server = composeServer({
      dataDirectory: this.directory,
      description: { name: "turnwire", version: "0.0.0", maxMessageBytes: 1024 },
      env: this.env,
      resolvePath: (path) => resolve(temporary.path, path),
      // Several of them live in this one process: the lock alone tells which do.
      ownProcess: { version: "0.0.0", processId: 1, place: undefined, lifeOf: () => undefined },
      lingerMs: options.lingerMs ?? 0,
      isShared: options.isShared ?? false,
      clock: options.clock ?? systemClock,
      ids: options.ids ?? new CountingIds(),
      log: this.#log,
      createEngine: () => {
        const engine = new GatedEngine();
        this.engines.push(engine);
        return engine;
      },
    });
  }

  connect(): MemoryClient {
    const watchParent = (processId: number) => void this.watched.push(processId);
    return new MemoryClient(this.server, this.#log, { watchParent });
  }

  /** The newest workspace's engine. */
  get engine(): GatedEngine {
    const engine = this.engines.at(-1);
    if (engine === undefined) throw new Error("no workspace is open");
    return engine;
  }

  async close(): Promise<void> {
    await this.server.close();
    this.#remove();
  }
}

/** Opens the server's folder with a session in it; turns begin without a gate. */
export async function openSession(server: MemoryServer, client: MemoryClient) {
  const workspace = await client.call("createWorkspace", { path: server.folder, initAgent: true });
  server.engine.preparesAtGates = false;
  const session = await client.call("createSession", { workspaceId: workspace.id });
  return { workspaceId: String(workspace.id), sessionId: String(session.id) };
}

/** How long a machine that does much else may take, in milliseconds. */
const patienceMs = 60_000;

/** Resolves once `condition` holds, which something that runs already brings about. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    // Not a number of turns: they go by while the disk is slow.
    if (performance.now() > deadline) throw new Error("it never came to be");
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
