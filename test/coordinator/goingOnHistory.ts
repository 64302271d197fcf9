// One random history of several servers over one database. Its turns are the real agent's, or those of the
// real engine of an agent's program.
import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import { DomainError } from "../../src/base/errors.js";
import { endOldWaiting } from "../../src/coordinator/waitingRuns.js";
import { CoordinatorHouse, workspaceId } from "../helpers/coordinatorHouse.js";
import { CountingIds, VirtualScheduler } from "../helpers/virtualScheduler.js";
import { GoingOnLedger, waitingDays } from "./goingOnLedger.js";
import { type GoingOnStep, places, sessionIds, unablePlace } from "./goingOnStep.js";
import { BuiltInTurns, type GoingOnTurns, type TurnsMaker } from "./goingOnTurns.js";

const dayMs = 86_400_000;

/** A server, and its turns. */
interface Server {
  readonly house: CoordinatorHouse;
  readonly turns: GoingOnTurns;
}

type StepOf<Type extends GoingOnStep["type"]> = Extract<GoingOnStep, { readonly type: Type }>;

/** Plays a history, and checks after each step what must always hold. */
export class GoingOnHistory {
  readonly #directory: string;
  readonly #ids = new CountingIds();
  readonly #maker: TurnsMaker;
  readonly #ledger = new GoingOnLedger();
  readonly #servers: (Server | undefined)[] = Array.from({ length: places }, () => undefined);
  /** Servers that were taken for dead, and live. */
  readonly #ghosts: Server[] = [];
  readonly #unable = new Set<string>();
  /** What was sent, by its `runId`. */
  readonly #sent = new Map<string, Parameters<CoordinatorHouse["accept"]>>();
  #now = Date.UTC(2026, 0, 1);
  #names = 0;

  /** @param maker of the turns; those of the built-in agent without it. */
  constructor(directory: string, maker?: TurnsMaker) {
    this.#directory = directory;
    this.#maker = maker ?? new BuiltInTurns(this.#ids);
    const { house } = this.#at(0);
    for (const id of sessionIds) house.session(id);
  }

  /** The server at a place; one is started if there is none. */
  #at(place: number): Server {
    const found = this.#servers[place];
    if (found !== undefined) return found;
    const ids = this.#ids;
    const clock = new VirtualScheduler(this.#now);
    let id = "";
    const turns = this.#maker.make(() => id, clock);
    const { engine, desk, commands } = turns;
    const canGoOn = () => place !== unablePlace;
    const house = new CoordinatorHouse({
      directory: this.#directory,
      ids,
      clock,
      engine,
      canGoOn,
      ...defined({ desk, commands }),
    });
    id = house.registry.id;
    if (!canGoOn()) this.#unable.add(house.registry.id);
    const server = { house, turns };
    this.#servers[place] = server;
    return server;
  }

  get #living(): Server[] {
    return this.#servers.flatMap((server) => server ?? []);
  }

  get #all(): Server[] {
    return [...this.#living, ...this.#ghosts];
  }

  /** Takes a step, lets everything happen that comes of it, and checks. */
  async take(step: GoingOnStep): Promise<void> {
    const parking = new Set<string>();
    try {
      await this.#take(step, parking);
    } catch (error) {
      // Another server has the session: that is an answer.
      if (!(error instanceof DomainError && error.name === "SessionBusy")) throw error;
    }
    await this.#settle();
    this.#look(parking);
    this.#takeIn();
    this.#checkFence();
  }

  /** What is stored of a session, before a server acts that has lost it. */
  #fence: { readonly sessionId: string; readonly stored: string } | undefined;

  #actsIn(server: Server, sessionId: string): void {
    if (this.#turnOf(server, sessionId) !== undefined) return;
    // What its owner writes in batches is written now, and not in this step.
    for (const owner of this.#all) {
      if (this.#turnOf(owner, sessionId) !== undefined)
        owner.house.coordinator.live.flush(sessionId);
    }
    this.#fence = { sessionId, stored: this.#storedOf(sessionId) };
  }

  #storedOf(sessionId: string): string {
    const { house } = this.#all[0] ?? this.#at(0);
    return JSON.stringify(house.messages.list(sessionId, -1).rows);
  }

  /** A server that has lost a session writes nothing of it. */
  #checkFence(): void {
    if (this.#fence === undefined) return;
    const { sessionId, stored } = this.#fence;
    this.#fence = undefined;
    expect(this.#storedOf(sessionId), "what a lost owner writes does not count").toBe(stored);
  }

  /** What the turns of this step have come to. */
  #takeIn(): void {
    for (const { house } of this.#all) {
      const serverId = house.registry.id;
      for (const run of this.#ledger.open) {
        if (run.state === "running" && run.serverId === serverId) {
          this.#ledger.turnRuns(run.position);
        }
      }
    }
    this.#noteProgress();
  }

  async #take(step: GoingOnStep, parking: Set<string>): Promise<void> {
    switch (step.type) {
      case "send":
        return this.#send(step);
      case "repeat":
        return this.#repeat(step);
      case "stream":
      case "callTools":
      case "say":
        return this.#speak(step);
      case "openTool":
        return this.#openTool(step);
      case "cancelRun":
      case "removeQueued":
        return this.#stopOne(step);
      case "adoptAndDie":
        for (let time = 0; time < step.times; time++) {
          this.#at(step.house).house.coordinator.adopt(this.#sessionOf(step));
          this.#look(parking);
          this.#kill(step.house);
        }
        return;
      case "kill":
        return this.#kill(step.house);
      case "park":
        return this.#park(step.house, parking);
      case "takeForDead":
        return this.#takeForDead(step.house);
      case "takeOverFromLiving":
        this.#takeForDead(step.house);
        this.#at(step.other).house.coordinator.adopt(this.#sessionOf(step));
        return;
      case "dropLost":
        for (const { house } of this.#ghosts) house.coordinator.dropLost();
        return;
      case "days":
        return this.#days(step);
      default:
        return this.#onSession(step);
    }
  }

  #sessionOf({ session }: { readonly session: number }): string {
    return sessionIds[session] ?? "";
  }

  #onSession(
    step: StepOf<"cancelSession" | "clearQueue" | "pause" | "resume" | "adopt">,
  ): undefined {
    const { coordinator } = this.#at(step.house).house;
    const sessionId = this.#sessionOf(step);
    if (step.type === "adopt") coordinator.adopt(sessionId);
    else if (step.type === "pause") coordinator.queue.pause(sessionId);
    else if (step.type === "resume") coordinator.queue.resume(sessionId);
    else if (step.type === "clearQueue") coordinator.queue.clear(sessionId);
    else {
      const told = coordinator.cancelSession(sessionId);
      this.#look();
      for (const { runId } of told) if (runId !== undefined) this.#cancelled(runId);
    }
  }

  #cancelled(runId: string): void {
    const row = this.#ledger.rows.find((run) => run.runId === runId);
    if (row !== undefined) this.#ledger.cancelled(row.position);
  }

  #send({ house: place, joins, isSummary, ...step }: StepOf<"send">): undefined {
    const runId = `r${++this.#names}`;
    const goesOn = step.goesOn && !isSummary;
    const options = joins && !isSummary ? { whenBusy: "join" as const } : undefined;
    const kind = isSummary ? ("summary" as const) : ("prompt" as const);
    const sent = { runId, text: runId, kind, goesOn, ...defined({ options }) };
    const sessionId = this.#sessionOf(step);
    this.#at(place).house.accept(sessionId, sent);
    this.#sent.set(runId, [sessionId, sent]);
  }

  /** A run that is sent again is the same run, in whichever server. */
  #repeat({ house: place, pick }: StepOf<"repeat">): undefined {
    const all = [...this.#sent.values()];
    const again = all[pick % Math.max(1, all.length)];
    if (again === undefined) return;
    expect(this.#at(place).house.accept(...again)).toMatchObject({ isDuplicate: true });
  }

  /** What of the servers that are not dead can be told to go on. */
  #each<T>(what: (turns: GoingOnTurns) => readonly T[]): { server: Server; one: T }[] {
    return this.#all.flatMap((server) => what(server.turns).map((one) => ({ server, one })));
  }

  #speak({ pick, ...step }: StepOf<"stream" | "callTools" | "say">): undefined {
    const all = this.#each(({ speaking }) => speaking);
    const chosen = all[pick % Math.max(1, all.length)];
    if (chosen === undefined) return;
    const { server, one: turn } = chosen;
    this.#actsIn(server, turn.sessionId);
    const position = this.#mayProgress(server, turn.sessionId);
    if (step.type === "stream") {
      turn.stream();
      return;
    }
    if (step.type === "say") turn.say();
    else turn.callTools(Array.from({ length: step.count }, () => `c${++this.#names}`));
    if (position !== undefined && server.turns.tellsCalls) this.#progressing.add(position);
  }

  /** The runs whose model call has just finished. */
  readonly #progressing = new Set<number>();

  /** The runs of an agent that may have finished a step just now: it does not tell its model calls. */
  readonly #mayHaveProgressed = new Map<number, CoordinatorHouse>();

  #mayProgress(server: Server, sessionId: string): number | undefined {
    const position = this.#turnOf(server, sessionId);
    if (position !== undefined && !server.turns.tellsCalls) {
      this.#mayHaveProgressed.set(position, server.house);
    }
    return position;
  }

  /** Nothing but a finished step begins the count of adoptions anew. */
  #noteProgress(): void {
    for (const position of this.#progressing) this.#ledger.progressed(position);
    this.#progressing.clear();
    for (const [position, { goingOn }] of this.#mayHaveProgressed) {
      if (goingOn.of(position)?.adoptions === 0) this.#ledger.progressed(position);
    }
    this.#mayHaveProgressed.clear();
  }

  /** The turn that a server still has. */
  #turnOf({ house }: Server, sessionId: string): number | undefined {
    const serverId = house.registry.id;
    const isIts = (position: number) => house.runs.at(position)?.serverId === serverId;
    return this.#ledger.open.find(
      (run) =>
        run.sessionId === sessionId &&
        run.state === "running" &&
        run.joinedTo === undefined &&
        isIts(run.position),
    )?.position;
  }

  #openTool({ pick, isAllowed }: StepOf<"openTool">): undefined {
    const waiting = this.#each((turns) => turns.waiting);
    const chosen = waiting[pick % Math.max(1, waiting.length)];
    if (chosen === undefined) return;
    this.#actsIn(chosen.server, chosen.one.sessionId);
    this.#mayProgress(chosen.server, chosen.one.sessionId);
    chosen.one.open(isAllowed);
  }

  #stopOne({ type, house: place, pick }: StepOf<"cancelRun" | "removeQueued">): undefined {
    const { open } = this.#ledger;
    const row = open[pick % Math.max(1, open.length)];
    if (row?.runId === undefined) return;
    const { coordinator } = this.#at(place).house;
    if (type === "cancelRun") {
      const outcome = coordinator.cancelRun(row);
      if (outcome === "joined" || outcome === "alreadyCompleted") return;
    } else {
      try {
        coordinator.queue.remove(row.sessionId, `que_${row.position}`);
      } catch (error) {
        if (!(error instanceof DomainError && error.name === "QueueEntryNotFound")) throw error;
        return;
      }
    }
    this.#ledger.cancelled(row.position);
  }

  #kill(place: number): undefined {
    const server = this.#servers[place];
    this.#servers[place] = undefined;
    server?.turns.crash();
    server?.house.crash();
  }

  async #park(place: number, parking: Set<string>): Promise<void> {
    const server = this.#servers[place];
    this.#servers[place] = undefined;
    if (server === undefined) return;
    parking.add(server.house.registry.id);
    await server.house.close();
    await server.turns.end();
  }

  /** Its lock does not hold, and it goes on as if it did. */
  #takeForDead(place: number): undefined {
    const server = this.#servers[place];
    this.#servers[place] = undefined;
    if (server === undefined) return;
    server.house.registry.close(server.house.clock.now());
    this.#ghosts.push(server);
  }

  async #days({ house: place, days }: StepOf<"days">): Promise<void> {
    for (const { turns } of this.#all) turns.openSessions();
    this.#now += days * dayMs;
    for (const { house } of this.#all) await house.clock.advance(days * dayMs);
    const { house } = this.#at(place);
    endOldWaiting({ ...house, log: house.log }, this.#now - waitingDays * dayMs);
  }

  async #settle(): Promise<void> {
    // What is streamed is stored a moment later.
    this.#now += 300;
    for (const { house } of this.#all) await house.clock.advance(300);
    for (let round = 0; round < 2; round++) {
      for (const { house } of this.#all) await house.clock.settle();
    }
  }

  #look(parking: ReadonlySet<string> = new Set()): void {
    const { house } = this.#all[0] ?? this.#at(0);
    const living = new Set(this.#living.map((server) => server.house.registry.id));
    this.#ledger.look(house, { living, parking, unable: this.#unable, now: this.#now });
    this.#maker.check((runId) => this.#sent.get(runId)?.[1]?.goesOn === true);
  }

  /** Lets everything come to its end in one new server, and checks what must hold then. */
  async finish(): Promise<void> {
    for (const ghost of this.#ghosts.splice(0)) await this.#end(ghost);
    for (const place of this.#servers.keys()) this.#kill(place);
    const { house, turns } = this.#at(0);
    this.#look();
    for (let round = 0; this.#ledger.open.length > 0; round++) {
      const open = this.#ledger.open.map(({ position, state }) => `${position}: ${state}`);
      expect(round, `nothing is stuck: ${open}`).toBeLessThan(500);
      for (const id of sessionIds) {
        house.coordinator.queue.resume(id);
        house.coordinator.adopt(id);
      }
      for (const turn of turns.speaking) turn.say();
      for (const gate of turns.waiting) gate.open(true);
      await this.#settle();
      this.#look();
    }
    this.#ledger.expectAllEnded();
    for (const table of ["goingOn", "queuedPrompts"]) {
      expect(house.database.prepare(`SELECT * FROM ${table}`).all(), table).toEqual([]);
    }
    for (const id of sessionIds) {
      const row = house.sessions.find(workspaceId, id);
      expect(row && house.coordinator.describe(row)).toMatchObject({ isBusy: false });
    }
    const succeeded = house.allCompletions().filter(({ status }) => status === "succeeded");
    const isPrompt = (runId: string) => this.#sent.get(runId)?.[1]?.kind !== "summary";
    this.#maker.checkEnd(succeeded.flatMap(({ runId = "" }) => (isPrompt(runId) ? [runId] : [])));
    await house.close();
    await turns.end();
  }

  /** A server that was taken for dead ends; its lock is gone already. */
  async #end({ house, turns }: Server): Promise<void> {
    await house.endTurns();
    await turns.end();
    this.#look(new Set([house.registry.id]));
    house.owed.close();
    house.broadcaster.close();
    house.database.close();
  }
}
