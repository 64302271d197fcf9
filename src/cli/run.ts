/**
 * `turnwire run`: runs one prompt from the command line with its own server. It is a normal client
 * (protocol.md section 11).
 */

import { afterAwake } from "../base/awakeTime.js";
import { type Clock, systemClock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent } from "../protocol/registry.js";
import { withoutUnset } from "./ownServer.js";
import { RunActivity } from "./runActivity.js";
import { Deeds, earlyEnd, exitCodeOf, explain, type Stop, toldCompletion } from "./runEnd.js";
import { askInput } from "./runInput.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import { OutputStream } from "./runOutput.js";
import { PermissionPrompt } from "./runPermission.js";
import { readPrompt } from "./runPrompt.js";
import { openSession, type RunTarget } from "./runSession.js";
import { RunText } from "./runText.js";
import type { Terminal } from "./terminal.js";
import { visibleLine } from "./visibleText.js";

/**
 * Runs one prompt and resolves with the exit code (`exitCodes`). Never rejects: an error is written
 * to stderr in one line, and with `json` and `stream-json` also as an object. The first interrupt
 * cancels the run and waits for its end; the second kills the server.
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

class RunCommand {
  readonly #options: RunCommandOptions;
  readonly #io: RunCommandIo;
  readonly #stop = new AbortController();
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #activity: RunActivity;
  readonly #releases: (() => void)[] = [];
  readonly #deeds = new Deeds();
  #client: TurnwireClient | undefined;
  #asking: PermissionPrompt | undefined;
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
      const timer = afterAwake(clock, options.timeoutSeconds * 1000, () => this.#stopBy("timeout"));
      this.#releases.push(() => timer.cancel());
    }
  }

  async run(): Promise<number> {
    const exitCode = await this.#run();
    const { failure } = this.#stdout;
    if (failure === undefined) return exitCode;
    await this.#complain(`stdout could not be written: ${failure.message}`);
    return exitCodes.output;
  }

  async #run(): Promise<number> {
    const { prompt: given, timeoutSeconds } = this.#options;
    try {
      const prompt = await readPrompt(given, this.#io.stdin, this.#stop.signal);
      this.#client = await this.#connect();
      const target = await openSession(this.#client, this.#options, this.#io.resolvePath);
      const completion = await this.#prompt(this.#client, target, prompt);
      return await this.#reportEnd(this.#told(completion));
    } catch (error) {
      const end = earlyEnd(error, this.#stoppedBy, timeoutSeconds);
      if (this.#stdout.failure === undefined) {
        await this.#writeEnd(end, "runRefused");
        if (end.status === "failed") await this.#complain(end.error);
      }
      return exitCodeOf(end, this.#deeds, error);
    }
  }

  /** Ends the server and releases the process's streams. */
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
      env: withoutUnset(env),
      clientInfo: { name: "turnwire run" },
      signal: this.#stop.signal,
      onPermission: this.#permissionHandler(),
      onInput: async (request, context) => {
        this.#asking ??= this.#openQuestions();
        if (this.#asking === undefined) return { action: "decline" };
        return askInput(this.#asking, request, context);
      },
    });
  }

  /** Without `--permission-mode` the configuration decides. Its questions are asked here. */
  #permissionHandler(): PermissionPrompt["ask"] {
    return async (question, context) => {
      this.#asking ??= this.#openQuestions();
      if (this.#asking !== undefined) return this.#asking.ask(question, context);
      if (!this.#hasHinted) {
        this.#hasHinted = true;
        await this.#complain("there is no terminal to ask on; see --permission-mode");
      }
      return { decision: "deny", message: "There is nobody to ask." };
    };
  }

  #openQuestions(): PermissionPrompt | undefined {
    const { stdin, stderr, isStderrTty, openTerminal } = this.#io;
    // If stderr is redirected, nobody is looking at the terminal.
    if (!isStderrTty) return undefined;
    const terminal = openTerminal?.();
    if (terminal !== undefined) {
      this.#releases.push(() => terminal.close());
      return new PermissionPrompt(terminal.input, terminal.output, () => this.#discard(terminal));
    }
    const isFree = stdin.isTTY === true && this.#options.prompt !== "-";
    return isFree ? new PermissionPrompt(stdin, stderr) : undefined;
  }

  /** While typed characters are discarded, Ctrl-C reaches the program as a character. */
  async #discard(terminal: Terminal): Promise<boolean> {
    const goesOn = await terminal.discardTyped();
    if (!goesOn) this.#interrupt();
    return goesOn;
  }

  async #prompt(client: TurnwireClient, target: RunTarget, prompt: string): Promise<RunComplete> {
    const hasEnded = new AbortController();
    const { workspaceId, sessionId } = target;
    const text = new RunText({
      write: (chunk) => this.#stdout.write(chunk),
      getMessage: (messageId) => client.api.getMessage({ workspaceId, sessionId, messageId }),
    });
    const shown = this.#showAll(client.events({ signal: hasEnded.signal }), target, text);
    // It is awaited below. Until then a failure must not count as unhandled.
    shown.catch(() => {});
    try {
      const onComplete = async (completion: RunComplete) => {
        // Events that happened before the completion have arrived before it, and are shown before
        // it.
        hasEnded.abort();
        await shown;
        await this.#showCompletion(completion, text);
      };
      const { signal } = this.#stop;
      return await client.run({ ...target, prompt, signal, onComplete });
    } finally {
      hasEnded.abort();
      await shown;
      await text.end();
    }
  }

  async #showAll(
    events: AsyncIterable<LossyEvent>,
    target: RunTarget,
    text: RunText,
  ): Promise<void> {
    const { output } = this.#options;
    for await (const event of events) {
      this.#deeds.take(event);
      if ("sessionId" in event.params && event.params.sessionId !== target.sessionId) continue;
      await this.#stderr.write(this.#activity.lines(event));
      if (output === "stream-json") await this.#stdout.write(`${JSON.stringify(event)}\n`);
      if (output === "text") await text.take(event);
    }
  }

  /**
   * @throws Error if it could not be written: then the completion must not be acknowledged.
   */
  async #showCompletion(completion: RunComplete, text: RunText): Promise<void> {
    const { output } = this.#options;
    if (output === "text") {
      await text.finish(completion.messageId);
      const value = JSON.stringify(completion.output);
      if (value !== undefined) await this.#stdout.write(`${value}\n`);
    } else await this.#writeEnd(this.#told(completion), "runComplete");
    if (this.#stdout.failure !== undefined) throw this.#stdout.failure;
  }

  #told(completion: RunComplete): RunComplete {
    return toldCompletion(completion, this.#stoppedBy, this.#options.timeoutSeconds);
  }

  /** The output for a program: one object for every kind of end. */
  async #writeEnd(end: object, method: "runComplete" | "runRefused"): Promise<void> {
    const { output } = this.#options;
    if (output === "text") return;
    const line = output === "json" ? end : { method, params: end };
    await this.#stdout.write(`${JSON.stringify(line)}\n`);
  }

  async #reportEnd(completion: RunComplete): Promise<number> {
    const { status, error, denials, warnings = [] } = completion;
    for (const warning of warnings) await this.#complain(`warning: ${visibleLine(warning)}`);
    if (denials !== undefined) {
      await this.#complain(
        `${denials} ${denials === 1 ? "permission was" : "permissions were"} denied`,
      );
    }
    const isOwnStop = status === "cancelled" && this.#stoppedBy !== undefined;
    if (status !== "succeeded" && !isOwnStop)
      await this.#complain(error ?? `the run was ${status}`);
    return exitCodeOf(completion, this.#deeds);
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
