// One running agent and the sessions that are open in it.
import { type Clock, sleep } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { untilAborted } from "../base/untilAborted.js";
import { AgentConnection, sessionIn } from "./agentConnection.js";
import { AgentGone, AgentRefused } from "./agentErrors.js";
import {
  AgentProcess,
  type AgentProcessOptions,
  type AgentProgram,
  type StartAgentProgram,
} from "./agentProcess.js";
import { type Json, object, text } from "./reading.js";
import { SessionState } from "./sessionState.js";

/** Hears what an agent sends for one session while a turn runs on it. */
export interface SessionListener {
  update(update: Json): void;
  /** Answers `session/request_permission`. */
  permission(params: Json, signal: AbortSignal): Promise<object>;
}

/** What an agent said about itself. */
export interface AgentAbilities {
  readonly loadSession: boolean;
  readonly resume: boolean;
  readonly close: boolean;
  readonly images: boolean;
  readonly embeddedContext: boolean;
  readonly steering: boolean;
  readonly httpServers: boolean;
  readonly authMethods: unknown;
  readonly name?: string;
  readonly version?: string;
}

/** How an agent is started. */
interface StartOptions extends Omit<AgentProcessOptions, "onMessage" | "onEnd" | "secrets"> {
  /** What must not appear in an error, though the agent may say it. */
  readonly secrets: readonly string[];
  /** What starts the program. Absent: it is a child process. */
  readonly startProgram?: StartAgentProgram | undefined;
  /** Aborted when the program is not wanted any more: a start that is under way ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** What is shorter may be a usual word. */
const shortestSecret = 8;

/** The only version of the protocol that is spoken. */
const protocolVersion = 1;
/** How long a program may take to start: some load for ten seconds and more. */
const startMs = 120_000;

/** An agent whose program runs. */
export class EngineAgent {
  readonly #connection: AgentConnection;
  #program: AgentProgram | undefined;
  readonly #sessions = new Map<string, SessionState>();
  readonly #secrets = new Set<string>();
  readonly #listeners = new Map<string, SessionListener>();
  /** Who hears of a session while it is loaded. */
  readonly #hearers = new Map<string, (update: Json) => void>();
  #abilities: AgentAbilities | undefined;
  #goneReason: AgentGone | undefined;
  #isEnding = false;

  /**
   * Starts the program, and asks what it can.
   *
   * @throws AgentGone, AgentRefused; the signal's reason.
   */
  static async start(
    options: StartOptions,
    clientInfo: { readonly name: string; readonly version: string },
  ): Promise<EngineAgent> {
    const agent = new EngineAgent(options.secrets);
    await agent.#start(options, clientInfo);
    return agent;
  }

  private constructor(secrets: readonly string[]) {
    this.keepSecret(secrets);
    this.#connection = new AgentConnection({
      send: (message) => this.#program?.send(message),
      onRequest: (method, params, signal) => this.#requested(method, params, signal),
      onNotification: (method, params) => this.#notified(method, params),
    });
  }

  async #start(options: StartOptions, clientInfo: object): Promise<void> {
    const { startProgram = AgentProcess.start, signal, ...given } = options;
    this.#program = await startProgram({
      ...given,
      secrets: this.#secrets,
      onMessage: (message) => this.#connection.receive(message),
      onEnd: (reason) => {
        this.#goneReason = new AgentGone(reason);
        this.#connection.close(this.#goneReason);
      },
    });
    try {
      // Without notices, some agents put their remarks into the text of the answer.
      const clientCapabilities = { session: { notices: {} } };
      const params = { protocolVersion, clientCapabilities, clientInfo };
      const answer = this.request("initialize", params);
      this.#abilities = abilitiesIn(await inTime(answer, options.clock, signal));
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  get abilities(): AgentAbilities {
    return this.#abilities ?? abilitiesIn({ protocolVersion });
  }

  /** Whether a turn runs on one of its sessions. */
  get isBusy(): boolean {
    return this.#listeners.size > 0;
  }

  /** Whether it can be asked for anything: it has not ended, and nobody is ending it. */
  get isUsable(): boolean {
    return this.#goneReason === undefined && !this.#isEnding;
  }

  /** Adds texts that must not appear in an error, though the agent may say them. */
  keepSecret(texts: readonly string[]): void {
    for (const one of texts) if (one.length >= shortestSecret) this.#secrets.add(one);
  }

  /** See {@link AgentConnection.request}. */
  async request(...asked: Parameters<AgentConnection["request"]>): Promise<Json> {
    try {
      return await this.#connection.request(...asked);
    } catch (error) {
      throw error instanceof AgentRefused ? error.without(this.#secrets) : error;
    }
  }

  notify(method: string, params: object): void {
    this.#connection.notify(method, params);
  }

  /** A session that is open in this program; undefined if it is not. */
  session(id: string): SessionState | undefined {
    return this.#sessions.get(id);
  }

  /** Notes that a session is open, with the answer that opened it. */
  opened(id: string, answer: Json): SessionState {
    const state = this.#sessions.get(id) ?? new SessionState();
    state.opened(answer);
    this.#sessions.set(id, state);
    return state;
  }

  /** Notes that it is not known how a session is now. */
  forget(id: string): void {
    this.#sessions.delete(id);
  }

  /** From now on `listener` hears of a session. Call the returned function to end that. */
  listen(id: string, listener: SessionListener): () => void {
    this.#listeners.set(id, listener);
    return () => {
      if (this.#listeners.get(id) === listener) this.#listeners.delete(id);
    };
  }

  /** From now on `hear` hears of a session on which no turn runs. Call the returned function to end that. */
  overhear(id: string, hear: (update: Json) => void): () => void {
    this.#hearers.set(id, hear);
    return () => {
      if (this.#hearers.get(id) === hear) this.#hearers.delete(id);
    };
  }

  /** Ends the program with everything that it began; see {@link AgentProgram.end}. */
  async end(patienceMs?: number): Promise<void> {
    this.#isEnding = true;
    await this.#program?.end(patienceMs);
  }

  #requested(method: string, params: Json, signal: AbortSignal): Promise<object> | undefined {
    if (method !== "session/request_permission") return undefined;
    const listener = this.#listeners.get(sessionIn(params));
    const nobody = { outcome: { outcome: "cancelled" } };
    return listener?.permission(params, signal) ?? Promise.resolve(nobody);
  }

  #notified(method: string, params: Json): void {
    if (method !== "session/update") return;
    const id = sessionIn(params);
    const update = object(params.update);
    // What is told before the session is known to be open belongs to no answer of ours.
    this.#sessions.get(id)?.update(update);
    this.#listeners.get(id)?.update(update);
    this.#hearers.get(id)?.(update);
  }
}

/** @throws AgentGone if there is no answer after {@link startMs}; the signal's reason. */
async function inTime(
  answer: Promise<Json>,
  clock: Clock,
  signal: AbortSignal = new AbortController().signal,
): Promise<Json> {
  const enough = new AbortController();
  const late = sleep(clock, startMs, enough.signal).then(() => {
    throw new AgentGone(`it did not answer \`initialize\` within ${startMs / 1_000} seconds`);
  });
  late.catch(() => {});
  try {
    return await untilAborted(Promise.race([answer, late]), signal);
  } finally {
    enough.abort();
  }
}

/** @throws AgentGone if the agent does not speak the version. */
function abilitiesIn(answer: Json): AgentAbilities {
  if (answer.protocolVersion !== protocolVersion) {
    throw new AgentGone(
      `it speaks version ${JSON.stringify(answer.protocolVersion)} of the protocol, and not ${protocolVersion}`,
    );
  }
  const can = object(answer.agentCapabilities);
  const prompt = object(can.promptCapabilities);
  const { name, version } = object(answer.agentInfo);
  return {
    loadSession: can.loadSession === true,
    resume: isMarked(object(can.sessionCapabilities).resume),
    close: isMarked(object(can.sessionCapabilities).close),
    images: prompt.image === true,
    embeddedContext: prompt.embeddedContext === true,
    steering: [answer, can].some((one) => object(object(one._meta).steering).supported === true),
    httpServers: object(can.mcpCapabilities).http === true,
    authMethods: answer.authMethods,
    ...defined({ name: text(name), version: text(version) }),
  };
}

function isMarked(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Why an agent did not do what it was asked, for a person. */
export function failureText(error: unknown): string {
  return messageOf(error).replace(/\.$/, "");
}
