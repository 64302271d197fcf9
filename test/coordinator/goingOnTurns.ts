// What runs the turns of one server in a history of several servers: the built-in agent with a model that
// waits at gates, or the engine of an agent's program.
import type { LanguageModelV3Prompt } from "@ai-sdk/provider";
import { expect } from "vitest";
import type { CommandMarks, QuestionDesk } from "../../src/coordinator/coordinatorOptions.js";
import { AgentEngine, type Effects, GatedCall } from "../helpers/agentEngine.js";
import { finish, text, toolCall } from "../helpers/fakeModel.js";
import { AcpGatedTurn, GatedAcpEngine, GatedDesk } from "../helpers/gatedAcpEngine.js";
import type { GatedEngine } from "../helpers/gatedEngine.js";
import { AgentDisk, MemoryAgents } from "../helpers/memoryAgents.js";
import type { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";

/** A turn whose next words the history says. */
export interface SpeakingTurn {
  readonly sessionId: string;
  stream(): void;
  callTools(names: readonly string[]): void;
  say(): void;
}

/** Something of a turn that waits to be let go on. */
export interface WaitingGate {
  readonly sessionId: string;
  open(isAllowed: boolean): void;
}

/** The turns of one server. */
export interface GoingOnTurns {
  readonly engine: GatedEngine;
  readonly desk?: QuestionDesk;
  readonly commands?: CommandMarks;
  /** Whether it is known when a model call has finished. */
  readonly tellsCalls: boolean;
  readonly speaking: readonly SpeakingTurn[];
  readonly waiting: readonly WaitingGate[];
  /** Nothing waits any more that would be given up after a while. */
  openSessions(): void;
  /** The server has died. */
  crash(): void;
  /** The server ends in order. */
  end(): Promise<void>;
}

/** Makes the turns of each server, and knows what must hold of all of them. */
export interface TurnsMaker {
  make(serverId: () => string, clock: VirtualScheduler): GoingOnTurns;
  /** @param goesOn whether the run of a prompt goes on after a loss. */
  check(goesOn: (text: string) => boolean): void;
  /** What must hold when each of these has come to its end. */
  checkEnd(succeeded: readonly string[]): void;
}

/** The turns of the built-in agent. */
export class BuiltInTurns implements TurnsMaker {
  readonly #effects: Effects = new Map();
  readonly #ids: CountingIds;

  constructor(ids: CountingIds) {
    this.#ids = ids;
  }

  make(): GoingOnTurns {
    const engine = new AgentEngine({ effects: this.#effects, ids: this.#ids });
    const { gates } = engine;
    return {
      engine,
      tellsCalls: true,
      get speaking() {
        return [...gates].flatMap((gate) =>
          gate instanceof GatedCall ? [speakingCall(engine, gate)] : [],
        );
      },
      get waiting() {
        return [...gates].flatMap((gate) =>
          gate instanceof GatedCall
            ? []
            : {
                sessionId: gate.sessionId,
                open: (isAllowed: boolean) => engine.open(gate, isAllowed),
              },
        );
      },
      openSessions() {},
      crash() {},
      async end() {},
    };
  }

  check(): void {
    for (const [call, count] of this.#effects) expect(count, `the effect of ${call}`).toBe(1);
  }

  checkEnd(): void {}
}

function speakingCall(engine: AgentEngine, gate: GatedCall): SpeakingTurn {
  return {
    sessionId: gate.sessionId,
    stream: () => gate.send(...text("I think")),
    callTools(names) {
      expectValidPrompt(gate.options.prompt);
      const parts = names.flatMap((id) => toolCall(id, "write", { text: id }));
      engine.reply(gate, ...text("I write"), ...parts, finish("tool-calls"));
    },
    say() {
      expectValidPrompt(gate.options.prompt);
      engine.reply(gate, ...text("done"), finish());
    },
  };
}

/** Every call has its result right behind it, and no other result is there. */
function expectValidPrompt(prompt: LanguageModelV3Prompt): void {
  let open = new Set<string>();
  for (const { role, content } of prompt) {
    if (role === "tool") {
      for (const part of content) {
        if (part.type === "tool-result") expect(open.delete(part.toolCallId)).toBe(true);
      }
    }
    expect([...open], "each call has a result").toEqual([]);
    if (role !== "assistant") continue;
    const calls = content.flatMap((part) => (part.type === "tool-call" ? part.toolCallId : []));
    open = new Set(calls);
    expect(open.size).toBe(calls.length);
  }
  expect([...open], "each call has a result").toEqual([]);
}

/** The turns of an agent's program, of which each server starts its own. */
export class AgentTurns implements TurnsMaker {
  readonly #disk = new AgentDisk();
  readonly #servers = new Map<() => string, MemoryAgents>();
  readonly #steers: boolean;
  readonly #opensAtGates: boolean;
  readonly #sessionIds: readonly string[];

  constructor(
    traits: { readonly steers: boolean; readonly opensAtGates: boolean },
    sessionIds: readonly string[],
  ) {
    this.#steers = traits.steers;
    this.#opensAtGates = traits.opensAtGates;
    this.#sessionIds = sessionIds;
  }

  make(serverId: () => string, clock: VirtualScheduler): GoingOnTurns {
    const agents = new MemoryAgents({ steering: this.#steers }, this.#disk);
    this.#servers.set(serverId, agents);
    const engine = new GatedAcpEngine(agents, clock, this.#sessionIds);
    engine.preparesAtGates = false;
    engine.opensAtGates = this.#opensAtGates;
    const desk = new GatedDesk();
    const commands = {
      get own() {
        return serverId();
      },
      end: async (mark: string) => this.#endOf(mark),
    };
    return {
      engine,
      desk,
      commands,
      tellsCalls: false,
      get speaking() {
        return engine.live().flatMap((turn) => {
          const isThere = turn instanceof AcpGatedTurn && turn.hasPrompt;
          return isThere ? [speakingAgent(turn)] : [];
        });
      },
      get waiting() {
        return engine.live().flatMap(({ sessionId }) => waitingOf(engine, desk, sessionId));
      },
      openSessions() {
        for (const { sessionId } of engine.live()) engine.open(sessionId);
      },
      crash: () => engine.vanish(),
      end: () => engine.dispose(),
    };
  }

  /** Ends the programs of a server that is gone, or is taken to be. */
  #endOf(mark: string): true {
    for (const [id, agents] of this.#servers) if (id() === mark) agents.running?.die();
    return true;
  }

  check(goesOn: (text: string) => boolean): void {
    const working = [...this.#servers.values()].flatMap(({ running }) =>
      [...(running?.prompts.keys() ?? [])].flatMap((own) => {
        const last = this.#disk.seen.findLast(
          ({ program, sessionId }) => program === running && sessionId === own,
        );
        const { text = "" } = last ?? {};
        // Another run is left to a server that was taken for dead, until that notices it.
        return goesOn(text) || text.includes("your work was cut off") ? [own] : [];
      }),
    );
    expect(working, "one program works on what goes on").toEqual([...new Set(working)]);
    const texts = this.#disk.seen.flatMap(({ text }) => (/^r\d+$/.test(text) ? [text] : []));
    expect(texts, "no prompt is sent twice").toEqual([...new Set(texts)]);
  }

  checkEnd(succeeded: readonly string[]): void {
    const texts = this.#disk.seen.map(({ text }) => text);
    for (const text of succeeded) expect(texts, "what succeeded was sent").toContain(text);
  }
}

function speakingAgent(turn: AcpGatedTurn): SpeakingTurn {
  return {
    sessionId: turn.sessionId,
    stream: () => turn.stream(),
    callTools: ({ length }) => (length > 2 ? turn.question() : turn.call()),
    say: () => turn.succeed(),
  };
}

function waitingOf(engine: GatedAcpEngine, desk: GatedDesk, sessionId: string): WaitingGate[] {
  const opening = engine.opening(sessionId);
  if (opening !== undefined) return [{ sessionId, open: () => engine.open(sessionId) }];
  return desk.of(sessionId).map((question) => ({
    sessionId,
    open: (isAllowed) => question.resolve({ decision: isAllowed ? "allow" : "deny" }),
  }));
}
