// The engine of an agent's program, with the programs of `memoryAgents.ts`.
import { createAcpEngine } from "../../src/acpEngine/acpEngine.js";
import type { StartAgentProgram } from "../../src/acpEngine/agentProcess.js";
import type { Clock } from "../../src/base/clock.js";
import { defined } from "../../src/base/defined.js";
import { silentLog } from "../../src/base/log.js";
import { resolveConfig } from "../../src/config/resolve.js";
import type { Limits } from "../../src/config/types.js";
import type {
  BegunTurn,
  Engine,
  HistoryMessage,
  OwnSession,
  TurnOutcome,
  TurnRequest,
} from "../../src/engine/engine.js";
import type { EngineSetup } from "../../src/engine/setup.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { MemorySink } from "./memorySink.js";
import { CountingIds, type VirtualScheduler } from "./virtualScheduler.js";

const scripted = { type: "acp" as const, command: ["agent"] as [string] };
const user = { engines: { scripted } };
const resolved = resolveConfig({ user, workspace: {}, trusted: false, env: {} });

/** What a turn of the engine is prepared with. */
function memorySetup(limits: Partial<Limits> = {}): EngineSetup {
  return {
    config: { ...resolved, limits: { ...resolved.limits, ...limits } },
    large: { provider: "offline", model: "offline" },
    small: { provider: "offline", model: "offline" },
    permissions: {
      mode: () => "ask",
      leavePlan: () => {},
      rules: async () => resolved.permissionRules,
    },
  };
}

/** The setup with the engine in its configuration. */
export function withEngine(setup: EngineSetup): EngineSetup {
  return { ...setup, config: { ...setup.config, engines: resolved.engines } };
}

/** An engine whose programs are started by `startProgram`. */
export function memoryEngine(startProgram: StartAgentProgram, clock: Clock): Engine {
  const workspace = { id: "ws", path: "/ws", trusted: false, env: {}, engine: "scripted" };
  return createAcpEngine(workspace, {
    env: {},
    version: "1",
    clock,
    log: silentLog,
    host: new ProcessHost({ clock, ids: new CountingIds(), log: silentLog }),
    startProgram,
    granting: () => ({ files: [], folders: [] }),
    always: async () => undefined,
  });
}

/** A turn that has begun. */
export interface StartedTurn {
  readonly outcome: Promise<TurnOutcome>;
  readonly abort: AbortController;
}

/** A session whose turns an engine runs; its messages are kept in memory. */
export class MemorySession {
  readonly id: string;
  readonly sink = new MemorySink();
  note: OwnSession | undefined;
  ask: TurnRequest["ask"] = async () => undefined;
  readonly #engine: Engine;
  readonly #limits: Partial<Limits>;

  constructor(engine: Engine, id = "s", limits: Partial<Limits> = {}) {
    this.#engine = engine;
    this.id = id;
    this.#limits = limits;
  }

  get history(): HistoryMessage[] {
    return this.sink.messages.map(({ id, role, parts }) => ({ id, role, parts: [...parts] }));
  }

  /** Begins a turn, or goes on with one. */
  start(text: string, begun?: BegunTurn): StartedTurn {
    const abort = new AbortController();
    const own = new Set(begun?.messages.map(({ id }) => id));
    const request: TurnRequest = {
      sessionId: this.id,
      prompt: { text, attachments: [] },
      history: this.history.filter(({ id }) => !own.has(id)),
      sink: this.sink,
      signal: abort.signal,
      openChild: () => {
        throw new Error("no sub-tasks");
      },
      ask: (...question) => this.ask(...question),
      requestInput: async () => undefined,
      ownSession: {
        read: () => this.note,
        write: async (own) => {
          this.note = own;
        },
      },
      ...defined({ begun }),
    };
    const setup = memorySetup(this.#limits);
    const prepared = this.#engine.prepare(setup, abort.signal);
    return { abort, outcome: prepared.then((turn) => turn.run(request)) };
  }
}

/** Lets time pass until a promise has settled. */
export async function inVirtualTime<T>(clock: VirtualScheduler, work: Promise<T>): Promise<T> {
  let isOver = false;
  const watched = work.finally(() => {
    isOver = true;
  });
  watched.catch(() => {});
  await clock.settle();
  for (let steps = 0; !isOver; steps++) {
    if (clock.pending === 0 || steps > 100_000) throw new Error("nothing will happen any more");
    clock.fireNext();
    await clock.settle();
  }
  return watched;
}
