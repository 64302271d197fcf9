// One turn of a session, run by an agent.
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { RunTime } from "../base/runTime.js";
import { traceMeta } from "../base/traceMeta.js";
import { untilAborted } from "../base/untilAborted.js";
import type { Limits } from "../config/types.js";
import type { HistoryMessage, Prompt, TurnOutcome, TurnRequest } from "../engine/engine.js";
import type { Permissions } from "../permissions/types.js";
import { needCommand } from "./agentCommand.js";
import { AgentQuestions } from "./agentQuestions.js";
import type { WantedServers } from "./agentServers.js";
import { refusedBefore, type Standing, saidBefore, standingOf } from "./begunPrompt.js";
import { cancelPrompt } from "./cancelPrompt.js";
import type { EngineAgent } from "./engineAgent.js";
import { type OpenedForTurn, openForTurn } from "./openForTurn.js";
import { type OpenedSession, seen } from "./openOwnSession.js";
import type { NeedsWhere } from "./permissionNeeds.js";
import { promptBlocks } from "./promptBlocks.js";
import { type Json, object } from "./reading.js";
import { setUp, type WantedSettings } from "./sessionSettings.js";
import { Steering } from "./steering.js";
import { addTokens } from "./toldBeside.js";
import type { TurnBounds } from "./turnBounds.js";
import { TurnCost } from "./turnCost.js";
import { TurnMessages } from "./turnMessages.js";
import { cancelledEnd, endByError, endOf, failedEnd, type TurnEnd } from "./turnOutcome.js";
import { takeUpdate } from "./turnUpdates.js";
import { TurnWatch } from "./turnWatch.js";
import { UnaskedCalls } from "./unaskedCalls.js";

/** What a turn needs beside its request. */
export interface AcpTurnOptions extends NeedsWhere {
  readonly engine: string;
  readonly limits: Limits;
  readonly bounds: TurnBounds;
  readonly clock: Clock;
  readonly settings: WantedSettings;
  readonly servers: WantedServers;
  /** `RunOptions.instructions`. */
  readonly instructions: string | undefined;
  /** The command of the agent's that the prompt is; the turn needs an agent that has it. */
  readonly command?: string;
  /** Decides about calls; questions go through `ask`. */
  permissionsOf(ask: TurnRequest["ask"]): Permissions;
  /** Decides by the rules alone, about what was done already. */
  readonly rules: Permissions;
  /** The user has accepted the agent's plan. */
  leavePlan(): void;
  /** The running agent; started if none runs. */
  agent(signal: AbortSignal): Promise<EngineAgent>;
}

/** Runs a prompt to its end, like `Turn.run`. */
export function runAcpTurn(request: TurnRequest, options: AcpTurnOptions): Promise<TurnOutcome> {
  return new AcpTurn(request, options).run();
}

class AcpTurn {
  readonly #request: TurnRequest;
  readonly #options: AcpTurnOptions;
  readonly #messages: TurnMessages;
  readonly #questions: AgentQuestions;
  readonly #unasked: UnaskedCalls;
  readonly #time: RunTime;
  readonly #watch: TurnWatch;
  /** Aborted with the run, or when the turn must stop for another reason. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #over = new AbortController();
  #stopEnd: TurnEnd | undefined;
  #isSilent = false;
  #broken: { readonly error: unknown } | undefined;
  #user: HistoryMessage | undefined;
  #agent: EngineAgent | undefined;
  #cost: TurnCost | undefined;

  constructor(request: TurnRequest, options: AcpTurnOptions) {
    const { clock, limits, bounds, engine } = options;
    this.#request = request;
    this.#options = options;
    const messages = new TurnMessages(request.sink, engine, () => this.#progressed());
    this.#messages = messages;
    this.#time = new RunTime(clock, bounds.seconds, request.begun?.progress?.ms);
    this.#signal = AbortSignal.any([this.#time.endOf(request.signal), this.#stop.signal]);
    const hasOpenCall = () => messages.hasOpenCall;
    const onSilent = (seconds: number) => this.#silent(seconds);
    this.#watch = new TurnWatch({ clock, limits, hasOpenCall, onSilent });
    const permissions = options.permissionsOf((...question) =>
      this.#time.whileWaiting(() => request.ask(...question)),
    );
    const signal = AbortSignal.any([this.#signal, this.#over.signal]);
    const warn = (warning: string) => request.sink.warn(warning);
    const onForbidden = (message: string) => {
      this.#questions.denied();
      this.#stopWith(failedEnd(message, "PermissionDenied", "limit"));
    };
    const { rules } = options;
    const judging = { engine, rules, permissions, where: options, signal, warn };
    this.#unasked = new UnaskedCalls({ ...judging, onForbidden });
    this.#questions = new AgentQuestions({
      ...judging,
      told: (call) => this.#guard(() => messages.toolCall(call)),
      denied: (id) => messages.deny(id),
      unasked: this.#unasked,
      limits,
      leavePlan: () => options.leavePlan(),
      stop: (end) => this.#stopWith(end),
      before: refusedBefore(request.begun),
    });
  }

  async run(): Promise<TurnOutcome> {
    let end: TurnEnd;
    try {
      end = await this.#exchange();
      await this.#unasked.settled();
    } catch (error) {
      const methods = this.#agent?.abilities.authMethods;
      end = endByError(error, this.#options.engine, methods);
    } finally {
      this.#watch.stop();
      this.#time.end();
      // A question that the agent has left open is withdrawn before the turn is over.
      this.#over.abort(new Error("the turn is over"));
      await Promise.all([this.#questions.settled(), this.#unasked.withdrawn()]);
    }
    // An agent that is silent does not hear a cancel either.
    if (this.#isSilent) await this.#agent?.end();
    if (this.#broken !== undefined) throw this.#broken.error;
    return this.#outcome(this.#strongest(end));
  }

  /** A reason to stop says more than what the agent made of it. */
  #strongest(end: TurnEnd): TurnEnd {
    if (this.#request.signal.aborted) return cancelledEnd;
    const { exceeded } = this.#time;
    const over = exceeded && failedEnd(exceeded.message, exceeded.errorName, exceeded.cause);
    return this.#stopEnd ?? over ?? end;
  }

  #outcome({ finish, status, failure }: TurnEnd): TurnOutcome {
    // A turn that could not even begin says nothing in the session.
    const last =
      status === "interrupted"
        ? saidBefore(this.#request)
        : this.#user && this.#messages.finish(finish, failure?.message);
    return {
      status,
      text: last?.text ?? "",
      ...defined({
        messageId: last?.id,
        error: failure?.message,
        errorName: failure?.errorName,
        cause: failure?.cause,
        denials: this.#questions.denials || undefined,
      }),
    };
  }

  async #exchange(): Promise<TurnEnd> {
    const { engine, settings, command } = this.#options;
    const { ownSession: note, sink } = this.#request;
    const standing = standingOf(this.#request, engine);
    const { prompt, user: said } = standing;
    if (command === undefined) this.#user = said ?? sink.say(prompt);
    const { agent, opened } = await this.#open(standing);
    if (command !== undefined)
      await needCommand(command, opened.state, this.#options, this.#signal);
    const user = this.#user ?? sink.say(prompt);
    this.#user = user;
    await setUp(agent, opened, settings, this.#signal);
    // From now on the agent may have the prompt: it is never sent a second time.
    await note?.write(
      seen(
        engine,
        opened.id,
        (standing.isBegun ? standing.history.at(-1) : undefined)?.id ?? user.id,
      ),
    );
    this.#signal.throwIfAborted();
    const cost = new TurnCost(this.#request, opened, this.#options);
    this.#cost = cost;
    try {
      if (cost.exceeded !== undefined) return cost.exceeded;
      const end = await this.#prompts(agent, opened, prompt, cost);
      await note?.write(seen(engine, opened.id, this.#messages.last?.id ?? user.id));
      return end;
    } finally {
      cost.add();
    }
  }

  #open(standing: Standing): Promise<OpenedForTurn> {
    const start = async () => {
      this.#agent = await this.#options.agent(this.#signal);
      return this.#agent;
    };
    const wanted = { ...this.#options, watch: this.#watch, start };
    return openForTurn(this.#request, wanted, standing, this.#signal);
  }

  /** Sends the prompt, and then those that have joined the turn and that the agent did not take. */
  async #prompts(
    agent: EngineAgent,
    opened: OpenedSession,
    prompt: Prompt,
    cost: TurnCost,
  ): Promise<TurnEnd> {
    const { instructions } = this.#options;
    const { unknown, state } = opened;
    const commands = state.commands.map(({ name }) => name);
    const around = { can: agent.abilities, unknown, instructions, commands };
    let blocks: readonly object[] = promptBlocks(prompt, around);
    const steering = new Steering(agent, opened.id, (message) =>
      this.#request.ownSession?.write(seen(this.#options.engine, opened.id, message.id)),
    );
    const parts = {
      sink: this.#request.sink,
      messages: this.#messages,
      unasked: this.#unasked,
      steering,
      cost,
      stop: (end: TurnEnd) => this.#stopWith(end),
      progressed: () => this.#progressed(),
    };
    for (;;) {
      const end = await this.#prompt(agent, opened.id, blocks, (update) =>
        takeUpdate(update, parts),
      );
      if (end.status !== "succeeded") return end;
      blocks = await steering.left(this.#signal);
      if (blocks.length === 0) return end;
      this.#messages.cut(end.finish);
    }
  }

  async #prompt(
    agent: EngineAgent,
    sessionId: string,
    prompt: readonly object[],
    onUpdate: (update: Json) => void,
  ): Promise<TurnEnd> {
    this.#watch.lives();
    const stopListening = agent.listen(sessionId, {
      update: (update) => {
        this.#watch.lives();
        this.#guard(() => onUpdate(update));
      },
      permission: (params, asking) =>
        this.#watch.whileWaiting(() => this.#questions.answer(params, asking)),
    });
    const answered = agent.request(
      "session/prompt",
      { sessionId, prompt, ...traceMeta() },
      stopListening,
    );
    try {
      const answer = await untilAborted(answered, this.#signal);
      addTokens(this.#request.sink, object(answer.usage));
      return endOf(answer.stopReason, this.#options.engine);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      if (!this.#isSilent) await cancelPrompt(agent, sessionId, answered, this.#options.clock);
      return cancelledEnd;
    } finally {
      stopListening();
    }
  }

  /** The agent has finished a step: what the turn has used counts on after a loss of the server. */
  #progressed(): void {
    const { sink, begun } = this.#request;
    const { steps = 0, tokens = 0, costUsd = 0 } = begun?.progress ?? {};
    const used = { costUsd: this.#cost?.spent ?? costUsd, ms: this.#time.usedMs };
    sink.progressed?.({ steps, tokens, ...used, denials: this.#questions.denials });
  }

  #silent(seconds: number): void {
    this.#isSilent = true;
    const message = `The engine ${this.#options.engine} sent nothing for ${seconds} seconds.`;
    this.#stopWith(failedEnd(message, "ProviderTimeout"));
  }

  #stopWith(end: TurnEnd): void {
    this.#stopEnd ??= end;
    this.#stop.abort(new Error(end.failure?.message));
  }

  /** What cannot be stored ends the turn. The caller, who reads from a pipe, must not hear of it. */
  #guard<T>(take: () => T): T | undefined {
    try {
      return take();
    } catch (error) {
      this.#broken ??= { error };
      this.#stop.abort(error);
      return undefined;
    }
  }
}
