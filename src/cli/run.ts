/**
 * `turnwire run`: runs one prompt from the command line with its own server. It is a normal client
 * (protocol.md section 11).
 */

import { afterAwake } from "../base/awakeTime.js";
import { type Clock, systemClock } from "../base/clock.js";
import { settingsVariable } from "../base/configFiles.js";
import { defined } from "../base/defined.js";
import { TurnwireClient } from "../client/TurnwireClient.js";
import type { RunComplete } from "../protocol/objects/run.js";
import type { LossyEvent, ParamsInput } from "../protocol/registry.js";
import { isColored } from "./colors.js";
import { OutputFile } from "./outputFile.js";
import { type OwnServer, withoutUnset } from "./ownServer.js";
import { RunActivity } from "./runActivity.js";
import { readAttachments } from "./runAttachments.js";
import { Deeds, earlyEnd, exitCodeOf, explain, type Stop, toldCompletion } from "./runEnd.js";
import { askInput } from "./runInput.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import { type Output, OutputStream } from "./runOutput.js";
import { PermissionPrompt } from "./runPermission.js";
import { readPrompt } from "./runPrompt.js";
import { RunReport } from "./runReport.js";
import { chooseSession, clientIdOf, openSession, type RunTarget } from "./runSession.js";
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

/** What is sent to a session. */
type Prompt = Pick<ParamsInput<"sendMessage">, "prompt" | "attachments">;

class RunCommand {
  readonly #options: RunCommandOptions;
  readonly #io: RunCommandIo;
  readonly #stop = new AbortController();
  readonly #stdout: Output;
  readonly #stderr: OutputStream;
  readonly #report: RunReport;
  readonly #clock: Clock;
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
    this.#clock = clock;
    this.#stdout =
      options.outputFile === undefined
        ? new OutputStream(io.stdout, () => this.#stopBy("nobody reads"))
        : new OutputFile(io.resolvePath(options.outputFile));
    this.#report = new RunReport(this.#stdout, options.output);
    this.#stderr = new OutputStream(io.stderr, () => {});
    const { color = "auto" } = options;
    this.#activity = new RunActivity({
      isColored: isColored(color, io.isStderrTty, io.env),
      hasResults: options.verbose === true,
    });
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
    await this.#complain(
      this.#options.outputFile === undefined
        ? `stdout could not be written: ${failure.message}`
        : failure.message,
    );
    return exitCodes.output;
  }

  async #run(): Promise<number> {
    const { timeoutSeconds, attach = [] } = this.#options;
    const { resolvePath } = this.#io;
    try {
      const prompt = await this.#readPrompt();
      const attachments = await readAttachments(attach, resolvePath);
      const chosen = await chooseSession(this.#options, resolvePath, this.#server());
      this.#client = await this.#connect(clientIdOf(chosen.sessionId));
      const target = await openSession(this.#client, chosen, this.#options, resolvePath);
      await this.#report.missed(this.#client, ({ status }) =>
        this.#note(`a run of this session ended unseen (${status}); what it said comes first`),
      );
      const completion = await this.#prompt(this.#client, { ...target, prompt, attachments });
      return await this.#reportEnd(this.#told(completion));
    } catch (error) {
      const end = earlyEnd(error, this.#stoppedBy, timeoutSeconds);
      if (this.#stdout.failure === undefined) {
        await this.#report.early(end);
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

  #readPrompt(): Promise<string> {
    const { stdin, stdinKind = "other", isStderrTty } = this.#io;
    return readPrompt(this.#options.prompt, {
      stdin,
      kind: stdinKind,
      signal: this.#stop.signal,
      clock: this.#clock,
      // For a program it is no news that it has written nothing.
      onSilent: (isWaitedFor) => {
        if (isWaitedFor && isStderrTty) void this.#note("waiting for stdin; `</dev/null` is none");
      },
    });
  }

  /** The server, with the settings of `--config` over the user's configuration. */
  #server(): OwnServer {
    const { serverCommand, env } = this.#io;
    const { config } = this.#options;
    const set = config === undefined ? {} : { [settingsVariable]: JSON.stringify(config) };
    return { serverCommand, env: { ...env, ...set }, signal: this.#stop.signal };
  }

  #connect(clientId: string): Promise<TurnwireClient> {
    const { dataDir } = this.#options;
    const { serverCommand, env } = this.#server();
    return TurnwireClient.spawn({
      command: serverCommand.file,
      args: serverCommand.args,
      ...defined({ dataDir }),
      env: withoutUnset(env),
      clientId,
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

  async #prompt(client: TurnwireClient, target: RunTarget & Prompt): Promise<RunComplete> {
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
        await this.#report.completion(this.#told(completion), text, client);
      };
      const { signal } = this.#stop;
      return await client.run({ ...target, signal, onComplete });
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
      if (!this.#options.quiet) await this.#stderr.write(this.#activity.lines(event));
      await this.#report.event(event);
      if (output === "text") await text.take(event);
    }
  }

  #told(completion: RunComplete): RunComplete {
    return toldCompletion(completion, this.#stoppedBy, this.#options.timeoutSeconds);
  }

  async #reportEnd(completion: RunComplete): Promise<number> {
    const { status, error, denials, warnings = [] } = completion;
    for (const warning of warnings) await this.#note(`warning: ${visibleLine(warning)}`);
    if (denials !== undefined) {
      await this.#note(
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

  /** What is no error: `--quiet` leaves it out. */
  async #note(text: string): Promise<void> {
    if (!this.#options.quiet) await this.#complain(text);
  }

  #complain(text: string): Promise<void> {
    return this.#stderr.write(`turnwire run: ${text}\n`);
  }
}
