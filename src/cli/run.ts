/**
 * `turnwire run`: one prompt from the command line, through a server of its own. A client like any
 * other (contract section 11).
 */

import { addAbortSignal, type Readable } from "node:stream";
import { type Clock, systemClock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { RunActivity } from "./runActivity.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import { OutputStream } from "./runOutput.js";
import { PermissionPrompt } from "./runPermission.js";
import { openSession, type RunPlace } from "./runSession.js";
import { RunText } from "./runText.js";

/**
 * Runs one prompt and resolves with the exit code: 0 succeeded, 1 failed, 2 bad usage, 130
 * cancelled. Never rejects: what goes wrong is told on stderr in one line. The first interrupt
 * cancels the run and waits for its end, the second kills the server.
 */
export async function runCommand(
  options: RunCommandOptions,
  io: RunCommandIo,
  clock: Clock = systemClock,
): Promise<number> {
  const command = new RunCommand(options, io, clock);
  try {
    return await command.run();
  } finally {
    await command.release();
  }
}

type Stop = "interrupt" | "timeout" | "nobody reads";

class RunCommand {
  readonly #options: RunCommandOptions;
  readonly #io: RunCommandIo;
  readonly #stop = new AbortController();
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #activity: RunActivity;
  readonly #releases: (() => void)[] = [];
  #client: TurnwireClient | undefined;
  #stoppedBy: Stop | undefined;
  #hasHinted = false;

  constructor(options: RunCommandOptions, io: RunCommandIo, clock: Clock) {
    this.#options = options;
    this.#io = io;
    this.#stdout = new OutputStream(io.stdout, () => this.#stopBy("nobody reads"));
    this.#stderr = new OutputStream(io.stderr, () => {});
    this.#activity = new RunActivity(io.isStderrTty && !io.env.NO_COLOR);
    this.#releases.push(
      io.onInterrupt(() => this.#interrupt()),
      () => this.#stdout.release(),
      () => this.#stderr.release(),
    );
    if (options.timeoutSeconds !== undefined) {
      const timer = clock.after(options.timeoutSeconds * 1000, () => this.#stopBy("timeout"));
      this.#releases.push(() => timer.cancel());
    }
  }

  async run(): Promise<number> {
    const { prompt: given } = this.#options;
    try {
      const prompt = given === "-" ? await readAll(this.#io.stdin, this.#stop.signal) : given;
      if (prompt.trim() === "") {
        await this.#complain("the prompt is empty; give it as the last argument, or `-` and stdin");
        return exitCodes.usage;
      }
      this.#client = await this.#connect();
      const place = await openSession(this.#client, this.#options, this.#io.resolvePath);
      return await this.#exitCodeOf(await this.#prompt(this.#client, place, prompt));
    } catch (error) {
      if (this.#stoppedBy !== undefined) return this.#stoppedExitCode(this.#stoppedBy);
      await this.#complain(explain(error));
      return exitCodes.failed;
    }
  }

  /** Ends the server and gives the process's streams back. */
  async release(): Promise<void> {
    try {
      await this.#client?.close();
    } finally {
      for (const release of this.#releases) release();
    }
  }

  #connect(): Promise<TurnwireClient> {
    const { dataDir } = this.#options;
    const { serverCommand, env } = this.#io;
    return TurnwireClient.spawn({
      command: serverCommand.file,
      args: serverCommand.args,
      ...defined({ dataDir }),
      env: definedOf(env),
      clientInfo: { name: "turnwire run" },
      signal: this.#stop.signal,
      onPermission: this.#permissionHandler(),
    });
  }

  /** Without `--permission-mode` the configuration decides; what it wants asked is asked here. */
  #permissionHandler() {
    const { stdin, stderr, isStderrTty } = this.#io;
    if (stdin.isTTY && isStderrTty && this.#options.prompt !== "-") {
      const prompt = new PermissionPrompt(stdin, stderr);
      return prompt.ask.bind(prompt);
    }
    return async () => {
      if (!this.#hasHinted) {
        this.#hasHinted = true;
        await this.#complain("there is no terminal to ask on; see --permission-mode");
      }
      return { decision: "deny" as const, message: "There is nobody to ask." };
    };
  }

  async #prompt(client: TurnwireClient, place: RunPlace, prompt: string): Promise<RunComplete> {
    const hasEnded = new AbortController();
    const text = new RunText({
      write: (chunk) => this.#stdout.write(chunk),
      getMessage: (messageId) => client.api.getMessage({ ...place, messageId }),
    });
    const shown = this.#showAll(client.events({ signal: hasEnded.signal }), place, text);
    // It is awaited below; until then a failure must not count as nobody's.
    shown.catch(() => {});
    try {
      const onComplete = async (completion: RunComplete) => {
        // What happened before the completion has arrived before it, and is shown before it.
        hasEnded.abort();
        await shown;
        await this.#showCompletion(completion, text);
      };
      const { signal } = this.#stop;
      return await client.run({ ...place, prompt, signal, onComplete });
    } finally {
      hasEnded.abort();
      await shown;
      await text.end();
    }
  }

  async #showAll(events: AsyncIterable<LossyEvent>, place: RunPlace, text: RunText): Promise<void> {
    const { output } = this.#options;
    for await (const event of events) {
      if ("sessionId" in event.params && event.params.sessionId !== place.sessionId) continue;
      await this.#stderr.write(this.#activity.lines(event));
      if (output === "stream-json") await this.#stdout.write(`${JSON.stringify(event)}\n`);
      if (output === "text") await text.take(event);
    }
  }

  async #showCompletion(completion: RunComplete, text: RunText): Promise<void> {
    const { output } = this.#options;
    if (output === "text") await text.finish(completion.messageId);
    else {
      const line = output === "json" ? completion : { method: "runComplete", params: completion };
      await this.#stdout.write(`${JSON.stringify(line)}\n`);
    }
  }

  async #exitCodeOf({ status, error }: RunComplete): Promise<number> {
    if (status === "succeeded") return exitCodes.succeeded;
    if (this.#stoppedBy !== undefined) return this.#stoppedExitCode(this.#stoppedBy);
    await this.#complain(error ?? `the run was ${status}`);
    return status === "cancelled" ? exitCodes.cancelled : exitCodes.failed;
  }

  async #stoppedExitCode(stoppedBy: Stop): Promise<number> {
    if (stoppedBy !== "timeout") return exitCodes.cancelled;
    await this.#complain(`cancelled after ${this.#options.timeoutSeconds} s; see --timeout`);
    return exitCodes.failed;
  }

  #interrupt(): void {
    if (this.#stoppedBy !== "interrupt") {
      this.#stopBy("interrupt");
      return;
    }
    this.#client?.kill().catch((error) => this.#complain(explain(error)));
  }

  #stopBy(cause: Stop): void {
    this.#stoppedBy = cause;
    this.#stop.abort();
  }

  #complain(text: string): Promise<void> {
    return this.#stderr.write(`turnwire run: ${text}\n`);
  }
}

/** One line for a person. */
function explain(error: unknown): string {
  return messageOf(error).replace(/\s+/g, " ").trim();
}

async function readAll(stream: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of addAbortSignal(signal, stream)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

function definedOf(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
