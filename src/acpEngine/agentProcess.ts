// The program of an agent: JSON, one message a line, over its stdin and stdout. It has a process group
// of its own, and none of its processes outlives it or our server.
import type { Readable, Writable } from "node:stream";
import { sleepAwake } from "../base/awakeTime.js";
import { startChild } from "../base/childStart.js";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { deepestJson, isNestedDeeper } from "../base/jsonDepth.js";
import { JsonLines, type JsonOfLine } from "../base/jsonLines.js";
import { type KeptLine, LineSplitter } from "../base/lineSplitter.js";
import type { Log } from "../base/log.js";
import { messageHead } from "../base/messageHead.js";
import { redact } from "../base/redact.js";
import { cutTextStart } from "../base/text.js";
import { markedProgram, pipedChild } from "../process/markedProgram.js";
import type { ProcessHost } from "../process/processHost.js";
import { processMarkerVariable } from "../process/processMark.js";
import { type ProcessTree, startTimeOf } from "../process/processTable.js";
import { hostEnvironment } from "../process/runCommand.js";
import { AgentGone } from "./agentErrors.js";

/** How an agent's program is started, and who hears of it. */
export interface AgentProcessOptions {
  readonly command: readonly [string, ...string[]];
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What must not appear in an error, though the program may write it to stderr. */
  readonly secrets: ReadonlySet<string>;
  readonly workspacePath: string;
  readonly host: ProcessHost;
  readonly clock: Clock;
  readonly log: Log;
  onMessage(message: object): void;
  /** Its program has ended: the reason, with what it wrote to stderr last. */
  onEnd(reason: string): void;
}

/** A running program of an agent. */
export interface AgentProgram {
  /** Sends a message. What cannot be sent is noticed by the end of the program. */
  send(message: object): void;
  /**
   * Ends the program with everything that it began: first by closing its stdin, then politely, then
   * by force. Resolves when nothing of it is left.
   */
  end(patienceMs?: number): Promise<void>;
}

/** Starts the program of an agent. Rejects with `AgentGone` if that is not possible. */
export type StartAgentProgram = (options: AgentProcessOptions) => Promise<AgentProgram>;

/** A longer message would keep the event loop too long. */
const mostMessageBytes = 4 * 1024 * 1024;
/** What is kept of stderr, in UTF-16 units. */
const mostStderr = 8 * 1024;
/** What of it an error quotes. */
const mostQuoted = 1_000;
/** The most bytes of answers that may wait for it: an agent that asks on and never reads is ended. */
const mostUnread = 8 * 1024 * 1024;
/** How long it may take to end by itself after its stdin was closed. */
const politeMs = 500;

interface Child extends PromiseLike<unknown> {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** A program that runs as a child process. */
export class AgentProcess implements AgentProgram {
  readonly #options: AgentProcessOptions;
  readonly #child: Child;
  readonly #tree: ProcessTree;
  readonly #exited: Promise<void>;
  readonly #gone: Promise<void>;
  readonly #values: JsonLines;
  #stderr = "";
  #dropped = 0;
  /** The bytes of answers that it has not read. */
  #unread = 0;
  /** Why it is being ended, where it is its own fault. */
  #fault: string | undefined;
  #ending: Promise<void> | undefined;

  /** @throws AgentGone if it cannot be started. */
  static async start(options: AgentProcessOptions): Promise<AgentProcess> {
    const { host, env, workspacePath } = options;
    const { execa } = await import("execa");
    await host.reaper.start(env.PATH);
    const mark = host.marks.next();
    const [name, ...given] = options.command;
    const safeEnv = { ...env, ...hostEnvironment(env, workspacePath) };
    const path = safeEnv.PATH;
    const { file, args, isFound } = await markedProgram(name, given, { mark, workspacePath, path });
    if (!isFound) throw new AgentGone(`there is no program ${name}`);
    const child = startChild(() =>
      execa(file, [...args], {
        cwd: workspacePath,
        env: { ...safeEnv, [processMarkerVariable]: mark.variable },
        ...pipedChild,
      }),
    );
    const { pid } = child;
    if (pid === undefined) {
      const { originalMessage } = await child;
      throw new AgentGone(`it cannot be started: ${originalMessage ?? name}`);
    }
    host.reaper.add(pid);
    const tree = {
      leader: pid,
      mark,
      holdsTree: false,
      ...defined({ startedAt: startTimeOf(pid) }),
    };
    const exited = new Promise<string>((resolve) => {
      child.once("exit", (code, signal) =>
        resolve(signal === null ? `exit code ${code ?? 0}` : signal),
      );
    });
    return new AgentProcess(options, child, tree, exited);
  }

  private constructor(
    options: AgentProcessOptions,
    child: Child,
    tree: ProcessTree,
    exited: Promise<string>,
  ) {
    this.#options = options;
    this.#child = child;
    this.#tree = tree;
    this.#exited = exited.then(() => {});
    this.#values = new JsonLines(child.stdout);
    this.#read(child);
    this.#gone = exited.then((how) => this.#untilGone(how));
    this.#gone.catch((error: unknown) => {
      options.log.error({ reason: messageOf(error) }, "an engine's processes did not end cleanly");
    });
  }

  send(message: object): void {
    const { stdin } = this.#child;
    if (!stdin.writable || this.#fault !== undefined) return;
    const line = `${JSON.stringify(message)}\n`;
    // What we ask is bounded by ourselves. What we answer is bounded by nothing but the agent.
    if ("method" in message) return void stdin.write(line);
    const bytes = Buffer.byteLength(line);
    this.#unread += bytes;
    stdin.write(line, () => {
      this.#unread -= bytes;
    });
    if (this.#unread > mostUnread) this.#giveUp();
  }

  #giveUp(): void {
    this.#fault = `it asked on and did not read the answers, of which more than ${mostUnread / 1024 / 1024} MiB waited for it`;
    // What goes wrong with that is logged by whoever waits for its end.
    this.end(0).catch(() => {});
  }

  end(patienceMs = politeMs): Promise<void> {
    this.#ending ??= this.#end(patienceMs);
    return this.#ending;
  }

  async #end(patienceMs: number): Promise<void> {
    const { clock, host } = this.#options;
    this.#child.stdin.end();
    const enough = new AbortController();
    const patience = sleepAwake(clock, patienceMs, enough.signal);
    await Promise.race([this.#exited, patience.catch(() => {})]);
    enough.abort();
    await host.endTree(this.#tree);
    await this.#gone;
  }

  #read({ stdin, stdout, stderr }: Child): void {
    const { log } = this.#options;
    // Its exit reports its end. It does not matter what it did not read.
    stdin.on("error", (error) =>
      log.debug({ reason: messageOf(error) }, "an engine reads no more"),
    );
    const lines = new LineSplitter(mostMessageBytes);
    stdout.on("data", (chunk: Uint8Array) => {
      for (const line of lines.push(chunk)) {
        if (line.omittedBytes > 0) this.#values.skip(() => this.#drop(line));
        else this.#values.read(line, (json) => this.#take(line, json));
      }
    });
    stderr.on("data", (chunk: Uint8Array) => {
      this.#stderr = cutTextStart(this.#stderr + Buffer.from(chunk).toString("utf8"), mostStderr);
    });
    for (const stream of [stdout, stderr]) {
      stream.on("error", (error) =>
        log.warn({ reason: messageOf(error) }, "a pipe of an engine failed"),
      );
    }
  }

  #take(line: KeptLine, json: JsonOfLine): void {
    const message = messageIn(json);
    if (message !== undefined) this.#options.onMessage(message);
    else if (line.text.trim() !== "") this.#drop(line);
  }

  /**
   * A line that is no message, or cannot be taken. The next line may be one again. Nobody is left waiting
   * for it: neither the agent that asks, nor we that have asked.
   */
  #drop({ bytes }: KeptLine): void {
    const head = messageHead(bytes);
    if (head !== undefined) {
      const message = `A message may have at most ${mostMessageBytes} bytes, and be nested ${deepestJson} levels deep.`;
      const error = { jsonrpc: "2.0", id: head.id, error: { code: -32600, message } };
      if (head.method === undefined) this.#options.onMessage(error);
      else this.send(error);
    }
    this.#dropped += 1;
    if (this.#dropped > 1) return;
    this.#options.log.warn({}, "an engine wrote lines to stdout that are no messages");
  }

  async #untilGone(how: string): Promise<void> {
    const { host, onEnd } = this.#options;
    await this.#values.done();
    onEnd(this.#reason(how));
    await host.endTree(this.#tree);
    host.reaper.remove(this.#tree.leader);
    await this.#values.done();
    for (const stream of [this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      stream.destroy();
    }
    await this.#child;
  }

  #reason(how: string): string {
    if (this.#fault !== undefined) return this.#fault;
    const said = redact(this.#stderr, [...this.#options.secrets]).trim();
    return said === ""
      ? `it ended (${how})`
      : `it ended (${how}): ${cutTextStart(said, mostQuoted)}`;
  }
}

/** The message; undefined for anything else: some programs print a greeting on stdout, but are usable. */
function messageIn(json: JsonOfLine): object | undefined {
  if (!json.ok || typeof json.value !== "object" || json.value === null) return undefined;
  const { value, depth } = json;
  const isTooDeep = depth === undefined ? isNestedDeeper(value) : depth > deepestJson;
  return isTooDeep ? undefined : value;
}
