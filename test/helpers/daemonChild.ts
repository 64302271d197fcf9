// The built daemon as a child process, and clients that attach to it. For `afterAll`: `endDaemons`, then
// `endServers`.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inject } from "vitest";
import { bareEnvironment } from "./runFolder.js";
import { type Exit, makeFolder, type ServerProcess, startServer } from "./serverProcess.js";
import { testNode } from "./testNode.js";

/** How a daemon is started. */
export interface DaemonOptions {
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Another build's program. */
  readonly main?: string;
}

/** What a command printed, and how it ended. */
export interface Told {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const started = new Set<DaemonChild>();

/** Ends every daemon that this test file started. */
export async function endDaemons(): Promise<void> {
  await Promise.all([...started].map((daemon) => daemon.kill()));
  started.clear();
}

/** Runs a command of the built program to its end. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  main = inject("serverScript"),
  onStdout: (soFar: string) => void = () => {},
): Promise<Told> {
  const home = makeFolder();
  const child = spawn(testNode, [main, ...args], {
    cwd: home,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...bareEnvironment(home), ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    onStdout(stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** One daemon in the foreground. */
export class DaemonChild {
  readonly dataDir: string;
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  readonly #env: Readonly<Record<string, string>>;
  readonly #main: string;
  #stderr = "";
  #isGone = false;

  constructor(options: DaemonOptions) {
    this.dataDir = options.dataDir ?? makeFolder();
    this.#env = options.env ?? {};
    this.#main = options.main ?? inject("serverScript");
    const args = ["daemon", "--data-dir", this.dataDir, ...(options.args ?? [])];
    const home = makeFolder();
    this.child = spawn(testNode, [this.#main, ...args], {
      cwd: home,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...bareEnvironment(home), ...this.#env },
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.exit = once(this.child, "close").then(([code, signal]) => {
      this.#isGone = true;
      return { code, signal };
    });
    started.add(this);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** The usual place of its socket. */
  get socket(): string {
    return join(this.dataDir, "daemon.sock");
  }

  /** Resolves once it serves. */
  async serving(path = this.socket): Promise<this> {
    while (!(existsSync(path) && (await answers(path)))) {
      if (this.#isGone) throw new Error(`the daemon ended: ${this.#stderr}`);
      await pause(20);
    }
    return this;
  }

  /** A client of its own process, `turnwire serve --attach`. */
  client(
    options: { readonly env?: Record<string, string>; readonly framing?: "header" | "ndjson" } = {},
  ): ServerProcess {
    const { env, ...rest } = options;
    return startServer({
      ...rest,
      main: this.#main,
      dataDir: this.dataDir,
      args: ["--attach"],
      env: { ...this.#env, ...env },
    });
  }

  /** A bare connection. */
  async connect(): Promise<Socket> {
    const socket = createConnection(this.socket);
    await once(socket, "connect");
    return socket;
  }

  async kill(): Promise<void> {
    if (!this.#isGone) this.child.kill("SIGKILL");
    await this.exit;
  }
}

/** Starts a daemon, and waits until it serves. */
export function startDaemon(options: DaemonOptions = {}): Promise<DaemonChild> {
  return new DaemonChild(options).serving();
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
