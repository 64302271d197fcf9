// Commands that go on while the model does something else. They belong to a session and end with
// it.
import { messageOf } from "../base/errors.js";
import type { OutputCollector } from "./outputCollector.js";
import type { ShellExit, ShellProcess } from "./shellProcess.js";

/** The state of a job. */
export type JobStatus =
  | { readonly kind: "running" }
  | { readonly kind: "ended"; readonly exit: ShellExit }
  | { readonly kind: "failed"; readonly message: string };

/** A command in the background. */
export class Job {
  readonly id: string;
  readonly command: string;
  /** Resolves when nothing of it is left. Never rejects. */
  readonly ended: Promise<void>;
  readonly #process: ShellProcess;
  readonly #output: OutputCollector;
  #status: JobStatus = { kind: "running" };

  constructor(id: string, command: string, process: ShellProcess, output: OutputCollector) {
    this.id = id;
    this.command = command;
    this.#process = process;
    this.#output = output;
    this.ended = process.ended.then(
      (exit) => {
        this.#status = { kind: "ended", exit };
      },
      (error: unknown) => {
        this.#status = { kind: "failed", message: messageOf(error) };
      },
    );
  }

  get status(): JobStatus {
    return this.#status;
  }

  /** What it has printed so far. */
  output(): string {
    return this.#output.text();
  }

  /** Ends the job; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    if (this.#status.kind === "running") await this.#process.stop();
    await this.ended;
  }
}
