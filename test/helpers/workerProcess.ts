// A real `turnwire worker` of the workspace `project`, on a data directory of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { launcher, offlineEnvironment } from "../cli/runHarness.js";

/** How a worker is started. */
export interface WorkerProcessOptions {
  /** Below it are the folder `project` and the data directories. */
  readonly root: string;
  /** The name of its data directory. */
  readonly name: string;
  /** Where NATS is. */
  readonly url: string;
  /** More arguments. */
  readonly more?: readonly string[];
  /** Another program than the built one. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker as a child process. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  /** Resolves once it takes prompts. */
  readonly ready: Promise<void>;
  /** Resolves once it has ended, with the signal that ended it. */
  readonly gone: Promise<NodeJS.Signals | null>;
  output = "";
  #onOutput = () => {};

  constructor({ root, name, url, more = [], main = launcher, env = {} }: WorkerProcessOptions) {
    const project = join(root, "project");
    const args = ["worker", "--data-dir", join(root, name), "--nats", url];
    const all = [main, ...args, "--workspace", `project=${project}`, ...more];
    this.#child = spawn(process.execPath, all, {
      cwd: project,
      env: { ...process.env, ...offlineEnvironment(root), TURNWIRE_CONFIG: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.gone = once(this.#child, "close").then(([, signal]) => signal);
    this.ready = new Promise((resolve) => {
      for (const stream of [this.#child.stdout, this.#child.stderr]) {
        stream?.setEncoding("utf8").on("data", (chunk: string) => {
          this.output = (this.output + chunk).slice(-20_000);
          if (this.output.includes("takes prompts")) resolve();
          this.#onOutput();
        });
      }
      void this.gone.then(() => resolve());
    });
  }

  /** Resolves once it has said so. */
  async says(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await this.gone;
  }

  async end(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    const [code] = await once(this.#child, "close");
    return code;
  }
}
