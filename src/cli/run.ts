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
import { reflows } from "./reflow.js";
import { RunActivity } from "./runActivity.js";
import { readAttachments } from "./runAttachments.js";
import { Deeds, earlyEnd, exitCodeOf, explain, type Stop, toldCompletion } from "./runEnd.js";
import { exitCodes, type RunCommandIo, type RunCommandOptions } from "./runOptions.js";
import { isReaderGone, OutputStream } from "./runOutput.js";
import { RunProgress } from "./runProgress.js";
import { readPrompt } from "./runPrompt.js";
import { RunQuestions } from "./runQuestions.js";
import { RunReport } from "./runReport.js";
import { RunScreen } from "./runScreen.js";
import { chooseSession, clientIdOf, openSession, type RunTarget } from "./runSession.js";
import { RunText } from "./runText.js";
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
  readonly #screen: RunScreen;
  readonly #questions: RunQuestions;
  readonly #report: RunReport;
  readonly #clock: Clock;
  readonly #activity: RunActivity;
  readonly #releases: (() => void)[] = [];
  readonly #deeds = new Deeds();
  #client: TurnwireClient | undefined;
  #progress: RunProgress | undefined;
  #stoppedBy: Stop | undefined;

  constructor(options: RunCommandOptions, io: RunCommandIo, clock: Clock) {
    this.#options = options;
    this.#io = io;
    this.#clock = clock;
    const isErrColored = isColored(options.color ?? "auto", io.isStderrTty, io.env);
    this.#screen = this.#openScreen(isErrColored);
    this.#report = new RunReport(this.#screen, options.output);
    this.#activity = new RunActivity({
      isColored: isErrColored,
      hasResults: options.verbose === true,
    });
    this.#questions = new RunQuestions({
      io,
      isColored: isErrColored,
      screen: this.#screen,
      isStdinTaken: options.prompt === "-",
      complain: (text) => this.#complain(text),
      interrupt: () => this.#interrupt(),
    });
    this.#releases.push(
      io.onInterrupt(() => this.#interrupt()),
      () => this.#questions.close(),
      () => this.#screen.release(),
    );
    if (options.timeoutSeconds !== undefined) {
      const timer = afterAwake(clock, options.timeoutSeconds * 1000, () => this.#stopBy("timeout"));
      this.#releases.push(() => timer.cancel());
    }
  }

  async run(): Promise<number> {
    const exitCode = await this.#run().finally(() => this.#screen.end());
    const { failure } = this.#screen;
    if (failure === undefined) return exitCode;
    if (isReaderGone(failure)) return exitCodes.output;
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
      const progress = new RunProgress(chosen.sessionId, this.#clock.now());
      this.#progress = progress;
      await this.#screen.begin(() => progress.status(this.#clock.now()));
      const completion = await this.#prompt(this.#client, { ...target, prompt, attachments });
      return await this.#reportEnd(this.#told(completion));
    } catch (error) {
      const end = earlyEnd(error, this.#stoppedBy, timeoutSeconds);
      if (this.#screen.failure === undefined) {
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

  #openScreen(isErrColored: boolean): RunScreen {
    const { stdout, stderr, isStderrTty, isStdoutTty = false, env, resolvePath } = this.#io;
    const { output, outputFile, quiet, color = "auto" } = this.#options;
    const out =
      outputFile === undefined
        ? new OutputStream(stdout, () => this.#stopBy("nobody reads"))
        : new OutputFile(resolvePath(outputFile));
    return new RunScreen({
      out,
      // An unread stderr is no reason to end.
      err: new OutputStream(stderr, () => {}),
      isOutTerminal: isStdoutTty && output === "text" && outputFile === undefined,
      hasStatus: isStderrTty && !quiet && env.TERM !== "dumb" && this.#io.columns !== undefined,
      isOutColored: isColored(color, isStdoutTty, env),
      isErrColored,
      reflows: reflows(env),
      clock: this.#clock,
      columns: () => this.#io.columns?.() ?? 80,
    });
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
      onPermission: (question, context) => this.#questions.permission(question, context),
      onInput: (request, context) => this.#questions.input(request, context),
    });
  }

  async #prompt(client: TurnwireClient, target: RunTarget & Prompt): Promise<RunComplete> {
    const hasEnded = new AbortController();
    const { workspaceId, sessionId } = target;
    const text = new RunText({
      write: (chunk) => this.#screen.write(chunk),
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
      this.#progress?.take(event);
      if (!this.#options.quiet) await this.#screen.lines(this.#activity.lines(event));
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
    await this.#screen.end();
    const { quiet, verbose } = this.#options;
    if (this.#progress !== undefined && (verbose || (this.#io.isStderrTty && !quiet))) {
      const line = this.#progress.closing(completion, this.#clock.now());
      await this.#screen.lines(this.#activity.line(line));
    }
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
    return this.#screen.lines(`turnwire run: ${text}\n`);
  }
}
