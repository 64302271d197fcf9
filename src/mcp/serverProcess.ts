// A tool server that is a child process: JSON-RPC, one message per line, over its stdin and stdout.
// Its stderr goes to the log. It has a process group of its own, and none of its processes outlives
// our server.
import type { Readable, Writable } from "node:stream";
import {
  type JSONRPCMessage,
  parseJSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { sleepAwake } from "../base/awakeTime.js";
import { startChild } from "../base/childStart.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { JsonLines, type JsonOfLine } from "../base/jsonLines.js";
import { type KeptLine, type Line, LineSplitter } from "../base/lineSplitter.js";
import { markedProgram, pipedChild } from "../process/markedProgram.js";
import type { ProcessHost } from "../process/processHost.js";
import { type ProcessMark, processMarkerVariable } from "../process/processMark.js";
import { type ProcessTree, startTimeOf } from "../process/processTable.js";
import { hostEnvironment } from "../process/runCommand.js";
import type { ConfinedProgram, Confinement } from "../process/sandbox/sandbox.js";
import type { ServerNotes } from "./serverNotes.js";

/** How a tool server is started. */
export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The tools' environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The server's own variables, set over the tools' environment. */
  readonly ownEnv: Readonly<Record<string, string>>;
  readonly workspacePath: string;
  readonly host: ProcessHost;
  /** How it is confined; undefined if it is not. */
  readonly confinement?: Confinement;
  readonly notes: ServerNotes;
  readonly clock: Clock;
}

type Execa = typeof import("execa").execa;

const mostMessageBytes = 16 * 1024 * 1024;
const mostNoteBytes = 8 * 1024;
/** How long it may take to end by itself after its stdin was closed. */
const politeMs = 500;

/** The needed parts of a subprocess; resolves when its pipes are closed too. */
interface Child extends PromiseLike<unknown> {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

interface Running {
  readonly child: Child;
  /** Resolves when nothing of it is left. */
  readonly gone: Promise<void>;
  /** Resolves when the program itself has ended, perhaps before its children. */
  readonly exited: Promise<void>;
  readonly tree: ProcessTree;
}

/** The transport over a child process. */
export class ServerProcess implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #options: ServerProcessOptions;
  #running: Running | undefined;
  #closed: Promise<void> | undefined;
  #endReason: string | undefined;

  constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  /**
   * Why it is gone, if it ended by itself or was ended because of a fault; undefined if it was
   * closed.
   */
  get endReason(): string | undefined {
    return this.#endReason;
  }

  /** Starts the program. Programs are looked for on the host's `PATH`, never in the workspace. */
  async start(): Promise<void> {
    const { execa } = await import("execa");
    const { env, host } = this.#options;
    await host.reaper.start(env.PATH);
    const mark = host.marks.next();
    const marked = await this.#marked(mark);
    const { file, args, release } = await this.#confined(marked);
    if (this.#closed !== undefined) {
      await release();
      throw new Error("it was stopped before it had started");
    }
    const child = this.#spawn(execa, file, args, marked.ownEnv);
    const { pid } = child;
    if (pid === undefined) {
      await release();
      const { originalMessage } = await child;
      throw new Error(`it cannot be started: ${originalMessage ?? file}`);
    }
    host.reaper.add(pid);
    const tree = {
      leader: pid,
      mark,
      holdsTree: this.#options.confinement !== undefined,
      ...defined({ startedAt: startTimeOf(pid) }),
    };
    const exited = new Promise<void>((resolve) => {
      child.once("exit", (code, signal) => {
        const how = signal === null ? `exit code ${code ?? 0}` : signal;
        if (this.#closed === undefined) this.#endReason ??= this.#withLastLine(`it ended (${how})`);
        resolve();
      });
    });
    const taken = this.#read(child);
    const gone = this.#untilGone(child, exited, tree, taken).finally(release);
    this.#running = { child, gone, exited, tree };
    // The caller of `close` gets a failure, but there may be no caller.
    gone.catch((error: unknown) => this.onerror?.(asError(error)));
  }

  /** How the program is started, and with which variables of its own. */
  async #marked(mark: ProcessMark) {
    const { command, args, env, ownEnv: own, workspacePath } = this.#options;
    const ownEnv = { ...own, [processMarkerVariable]: mark.variable };
    const { PATH: path } = { ...hostEnvironment(env, workspacePath), ...own };
    // If a tool is missing, the next call that looks for it reports it.
    return { ...(await markedProgram(command, args, { mark, workspacePath, path })), ownEnv };
  }

  async #confined(marked: {
    readonly file: string;
    readonly args: readonly string[];
    readonly isFound: boolean;
  }): Promise<ConfinedProgram> {
    const { confinement, workspacePath, command } = this.#options;
    const { file, args, isFound } = marked;
    if (confinement === undefined) return { file, args, release: async () => undefined };
    if (!isFound) throw new Error(`it cannot be started: there is no program ${command}`);
    return confinement.confine(file, args, { cwd: workspacePath });
  }

  #spawn(
    execa: Execa,
    file: string,
    args: readonly string[],
    ownEnv: Readonly<Record<string, string>>,
  ) {
    const { env, workspacePath } = this.#options;
    return startChild(() =>
      execa(file, [...args], {
        cwd: workspacePath,
        env: { ...env, ...hostEnvironment(env, workspacePath), ...ownEnv },
        ...pipedChild,
      }),
    );
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#running?.child.stdin;
    if (stdin === undefined || !stdin.writable) {
      return Promise.reject(new Error(this.#endReason ?? "it does not run"));
    }
    return new Promise((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /**
   * Ends it: first by closing its stdin, then politely, then by force. Resolves when it is gone.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { clock, host } = this.#options;
    if (this.#running === undefined) {
      this.onclose?.();
      return;
    }
    const { child, gone, exited, tree } = this.#running;
    child.stdin.end();
    const enough = new AbortController();
    const patience = sleepAwake(clock, politeMs, enough.signal);
    await Promise.race([exited, patience.catch(() => {})]);
    enough.abort();
    await host.endTree(tree);
    await gone;
  }

  /** Returns a function that resolves when what has been read until then was taken. */
  #read({ stdin, stdout, stderr }: Child): () => Promise<void> {
    const { notes } = this.#options;
    // Its exit reports its end. It does not matter what it did not read.
    stdin.on("error", (error) => notes.trouble(messageOf(error)));
    const messages = new LineSplitter(mostMessageBytes);
    const lines = new JsonLines(stdout);
    const tooLarge = `it sent a message of more than ${mostMessageBytes} bytes`;
    stdout.on("data", (chunk: Uint8Array) => {
      for (const line of messages.push(chunk)) {
        if (line.omittedBytes === 0) lines.read(line, (json) => this.#take(line, json));
        else this.#fail(tooLarge);
      }
      // A server may also send a line that never ends.
      if (messages.isOverLimit) this.#fail(tooLarge);
    });
    const written = new LineSplitter(mostNoteBytes);
    const note = (lines: Iterable<Line>) => {
      for (const { text } of lines) notes.stderr(text);
    };
    stderr.on("data", (chunk: Uint8Array) => note(written.push(chunk)));
    stderr.once("end", () => note(written.end()));
    for (const stream of [stdout, stderr]) {
      stream.on("error", (error) => notes.trouble(messageOf(error)));
    }
    return () => lines.done();
  }

  #take(line: KeptLine, json: JsonOfLine): void {
    const message = json.ok ? messageIn(json.value) : undefined;
    if (message !== undefined) this.onmessage?.(message);
    // Some programs print a greeting on stdout, but are usable.
    else if (line.bytes.length > mostNoteBytes || line.text.trim() !== "") {
      this.#options.notes.trouble(`this is no message: ${startOf(line)}`);
    }
  }

  #fail(reason: string): void {
    this.#endReason ??= reason;
    this.close().catch((error: unknown) => this.onerror?.(asError(error)));
  }

  async #untilGone(
    child: Child,
    exited: Promise<void>,
    tree: ProcessTree,
    taken: () => Promise<void>,
  ): Promise<void> {
    const { host } = this.#options;
    await exited;
    await host.endTree(tree);
    host.reaper.remove(tree.leader);
    await taken();
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    await child;
    this.onclose?.();
  }

  #withLastLine(what: string): string {
    const { lastLine } = this.#options.notes;
    return lastLine === "" ? what : `${what}; its last words: ${lastLine}`;
  }
}

function startOf({ bytes }: KeptLine): string {
  return bytes.toString("utf8", 0, mostNoteBytes);
}

function messageIn(value: unknown): JSONRPCMessage | undefined {
  try {
    return readMessage(value);
  } catch {
    // It is something else than a message.
    return undefined;
  }
}

/** Makes a value a message. An answer with an invalid result is kept, because the caller must get it. */
function readMessage(given: unknown): JSONRPCMessage {
  if (typeof given === "object" && given !== null && "result" in given && "id" in given) {
    const { result, ...rest } = given;
    return { ...parseJSONRPCMessage({ ...rest, result: {} }), result } as JSONRPCMessage;
  }
  return parseJSONRPCMessage(given);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
