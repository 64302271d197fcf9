// One turn of a session, run by an agent.
import type { Clock } from "../base/clock.js";
import { sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { IdleWatch } from "../base/idleWatch.js";
import { untilAborted } from "../base/untilAborted.js";
import type { Limits } from "../config/types.js";
import type { TurnOutcome, TurnRequest } from "../engine/engine.js";
import type { Permissions } from "../permissions/types.js";
import type { EngineAgent } from "./engineAgent.js";
import { type OpenedSession, openOwnSession, seen } from "./openOwnSession.js";
import { decide, optionFor } from "./permissionAnswer.js";
import { permissionNeeds } from "./permissionNeeds.js";
import { promptBlocks } from "./promptBlocks.js";
import { type Json, object } from "./reading.js";
import { setUp, type WantedSettings } from "./sessionSettings.js";
import { addCost, addTokens, tellContext, todosIn } from "./toldBeside.js";
import { TurnMessages } from "./turnMessages.js";
import { cancelledEnd, endByError, endOf, failedEnd, type TurnEnd } from "./turnOutcome.js";

/** What a turn needs beside its request. */
export interface AcpTurnOptions {
  readonly engine: string;
  readonly workspacePath: string;
  readonly searchPath: string | undefined;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly permissions: Permissions;
  readonly settings: WantedSettings;
  /** The running agent; started if none runs. */
  agent(signal: AbortSignal): Promise<EngineAgent>;
}

/** How long an agent has to end a turn that was cancelled. */
const cancelMs = 10_000;

/** Runs a prompt to its end, like `Turn.run`. */
export function runAcpTurn(request: TurnRequest, options: AcpTurnOptions): Promise<TurnOutcome> {
  return new AcpTurn(request, options).run();
}

class AcpTurn {
  readonly #request: TurnRequest;
  readonly #options: AcpTurnOptions;
  readonly #messages: TurnMessages;
  /** Aborted with the run, or when the turn must stop for another reason. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #stopEnd: TurnEnd | undefined;
  #broken: { readonly error: unknown } | undefined;
  #idle: IdleWatch | undefined;
  #lastLife = 0;
  #questions = 0;
  #denials = 0;
  #denialsInRow = 0;
  #agent: EngineAgent | undefined;

  constructor(request: TurnRequest, options: AcpTurnOptions) {
    this.#request = request;
    this.#options = options;
    this.#messages = new TurnMessages(request.sink, options.engine);
    this.#signal = AbortSignal.any([request.signal, this.#stop.signal]);
  }

  async run(): Promise<TurnOutcome> {
    const { prompt, sink, signal } = this.#request;
    const user = sink.say(prompt);
    let end: TurnEnd;
    this.#watch(this.#options.limits.providerIdleSeconds * 1_000);
    try {
      end = await this.#exchange(user.id);
    } catch (error) {
      const methods = this.#agent?.abilities.authMethods;
      end = endByError(error, this.#options.engine, methods);
    } finally {
      this.#idle?.stop();
    }
    if (this.#broken !== undefined) throw this.#broken.error;
    if (signal.aborted) end = cancelledEnd;
    else if (this.#stopEnd !== undefined) end = this.#stopEnd;
    return this.#outcome(end);
  }

  #outcome({ finish, status, failure }: TurnEnd): TurnOutcome {
    const last = this.#messages.finish(finish, failure?.message);
    return {
      status,
      messageId: last.id,
      text: last.text,
      ...defined({
        error: failure?.message,
        errorName: failure?.errorName,
        cause: failure?.cause,
        denials: this.#denials || undefined,
      }),
    };
  }

  async #exchange(userMessage: string): Promise<TurnEnd> {
    const { engine, workspacePath, settings } = this.#options;
    const { history, ownSession: note, sink } = this.#request;
    const agent = await this.#options.agent(this.#signal);
    this.#agent = agent;
    const opening = { engine, agent, note, history, workspacePath, signal: this.#signal };
    const opened = await openOwnSession(opening);
    if (opened.isReplaced) {
      sink.warn(
        `The engine ${engine} could not go on in its own session; a new one began, which was told what was said before.`,
      );
    }
    await setUp(agent, opened, settings, this.#signal);
    // From now on the agent may have the prompt: it is never sent a second time.
    await note?.write(seen(engine, opened.id, userMessage));
    this.#signal.throwIfAborted();
    const costBefore = opened.state.cost;
    const stopListening = agent.listen(opened.id, {
      update: (update) => this.#guard(() => this.#update(update)),
      permission: (params, asking) => this.#permission(params, asking),
    });
    try {
      const end = await this.#prompt(agent, opened, stopListening);
      await note?.write(seen(engine, opened.id, this.#messages.last?.id ?? userMessage));
      return end;
    } finally {
      stopListening();
      addCost(this.#request, costBefore, opened);
    }
  }

  async #prompt(
    agent: EngineAgent,
    { id: sessionId, unknown }: OpenedSession,
    onAnswer: () => void,
  ): Promise<TurnEnd> {
    this.#lives();
    const prompt = promptBlocks(this.#request.prompt, unknown, agent.abilities);
    const answered = agent.request("session/prompt", { sessionId, prompt }, onAnswer);
    try {
      const answer = await untilAborted(answered, this.#signal);
      addTokens(this.#request.sink, object(answer.usage));
      return endOf(answer.stopReason, this.#options.engine);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      await this.#cancel(agent, sessionId, answered);
      return cancelledEnd;
    }
  }

  /** Asks the agent to stop, and ends it with all its processes if it does not. */
  async #cancel(agent: EngineAgent, sessionId: string, answered: Promise<unknown>): Promise<void> {
    agent.notify("session/cancel", { sessionId });
    const enough = new AbortController();
    const patience = sleep(this.#options.clock, cancelMs, enough.signal).then(() => "silent");
    const settled = answered.then(
      () => "answered",
      () => "answered",
    );
    const how = await Promise.race([settled, patience]);
    enough.abort();
    patience.catch(() => {});
    if (how === "silent") await agent.end();
  }

  #watch(ms: number): void {
    const { clock } = this.#options;
    this.#lastLife = clock.now();
    this.#idle = new IdleWatch(clock, ms, () => this.#onIdle());
  }

  /** A tool that runs may be silent for longer, and a person for as long as he likes. */
  #onIdle(): void {
    const { limits, clock } = this.#options;
    const silentMs = clock.now() - this.#lastLife;
    const allowedMs = this.#messages.hasOpenCall
      ? Math.max(limits.providerIdleSeconds, limits.toolSeconds) * 1_000
      : limits.providerIdleSeconds * 1_000;
    if (this.#questions > 0 || silentMs < allowedMs) {
      const leftMs = this.#questions > 0 ? allowedMs : allowedMs - silentMs;
      this.#idle = new IdleWatch(clock, leftMs, () => this.#onIdle());
      return;
    }
    const seconds = Math.round(silentMs / 1_000);
    void this.#agent?.end();
    this.#stopWith(
      failedEnd(
        `The engine ${this.#options.engine} sent nothing for ${seconds} seconds.`,
        "ProviderTimeout",
      ),
    );
  }

  #stopWith(end: TurnEnd): void {
    this.#stopEnd ??= end;
    this.#stop.abort(new Error(end.failure?.message));
  }

  #lives(): void {
    this.#lastLife = this.#options.clock.now();
    this.#idle?.touch();
  }

  /** What cannot be stored ends the turn. The caller, who reads from a pipe, must not hear of it. */
  #guard(take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#broken ??= { error };
      this.#stop.abort(error);
    }
  }

  #update(update: Json): void {
    this.#lives();
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        this.#messages.chunk("text", update);
        break;
      case "agent_thought_chunk":
        this.#messages.chunk("reasoning", update);
        break;
      case "tool_call":
      case "tool_call_update":
        this.#messages.toolCall(update);
        break;
      case "plan":
        this.#request.sink.setTodos(todosIn(update));
        break;
      case "usage_update":
        tellContext(this.#request.sink, update);
    }
  }

  async #permission(params: Json, asking: AbortSignal): Promise<object> {
    this.#lives();
    const call = this.#messages.toolCall({ ...object(params.toolCall) });
    const refused = { outcome: { outcome: "cancelled" } };
    if (call === undefined || this.#signal.aborted) return refused;
    this.#questions += 1;
    try {
      const signal = AbortSignal.any([this.#signal, asking]);
      const needs = await permissionNeeds(call, this.#options);
      const { isAllowed } = await decide(this.#options.permissions, needs, signal);
      this.#count(isAllowed);
      if (!isAllowed) this.#messages.deny(call.id);
      return { outcome: optionFor(params.options, isAllowed) };
    } catch (error) {
      // The turn is cancelled: that is the answer. A question that the agent has withdrawn gets an error.
      if (this.#signal.aborted) return refused;
      throw error;
    } finally {
      this.#questions -= 1;
      this.#lives();
    }
  }

  #count(isAllowed: boolean): void {
    this.#denialsInRow = isAllowed ? 0 : this.#denialsInRow + 1;
    if (!isAllowed) this.#denials += 1;
    if (this.#denialsInRow < this.#options.limits.maxDenials) return;
    const message = `${this.#denialsInRow} permissions in a row were denied.`;
    this.#stopWith(failedEnd(message, "PermissionDenied", "limit"));
  }
}
