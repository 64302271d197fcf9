// One random history: steps that are taken by the real coordinator and by the model, and compared.

import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import { DomainError } from "../../src/base/errors.js";
import type { Acceptance } from "../../src/coordinator/acceptance.js";
import type { RunOptions } from "../../src/protocol/objects/runOptions.js";
import { CoordinatorHouse, clientId, workspaceId } from "../helpers/coordinatorHouse.js";
import { GatedEngine } from "../helpers/gatedEngine.js";
import { VirtualScheduler } from "../helpers/virtualScheduler.js";
import type { AgentStep, HistoryAgent } from "./historyAgent.js";
import { expectAsModelled, expectToldOnce } from "./historyCheck.js";
import { changeQueue, freshRun, refusesToTakeOver } from "./historyQueue.js";
import { type HistoryStep, sessionIds, settlesFirst } from "./historyStep.js";
import { type ModelRun, ModelSession, type ModelSurroundings } from "./sessionModel.js";
import { tellTurn } from "./tellTurn.js";
import { expectCompletionsLast } from "./wireOrder.js";

/** A prompt that waits for its commit. */
interface Joining {
  readonly target: ModelSession;
  readonly told: ReturnType<CoordinatorHouse["join"]>;
  readonly text: string;
  /** Whether the disk was broken meanwhile. */
  mayFail: boolean;
}

/** The real thing and its model, side by side. */
export class History {
  readonly #directory: string;
  readonly #disk: ModelSurroundings;
  readonly #agent: HistoryAgent | undefined;
  readonly #runs: ModelRun[] = [];
  #house: CoordinatorHouse;
  #sessions: ModelSession[];
  #wire: ReturnType<CoordinatorHouse["connect"]>["wire"];
  #closing: Promise<void> | undefined;
  #joining: Joining[] = [];
  #names = 0;

  /** @param agent whose program runs the turns; without it, they are the gated ones. */
  constructor(
    directory: string,
    { stopsAtOnce, sharesCommits }: Pick<ModelSurroundings, "stopsAtOnce" | "sharesCommits">,
    agent?: HistoryAgent,
  ) {
    this.#directory = directory;
    this.#agent = agent;
    this.#disk = { isBroken: false, stopsAtOnce, sharesCommits, agent };
    this.#house = this.#newHouse();
    this.#sessions = sessionIds.map((id) => new ModelSession(this.#house.session(id), this.#disk));
    this.#wire = this.#house.connect({ clientId }).wire;
  }

  #newHouse(before?: CoordinatorHouse): CoordinatorHouse {
    const clock = new VirtualScheduler(before?.clock.now());
    const engine = this.#newEngine(clock);
    return new CoordinatorHouse({
      directory: this.#directory,
      clock,
      engine,
      sharesCommits: this.#disk.sharesCommits,
      ...defined({ ids: before?.ids, desk: this.#agent?.desk }),
    });
  }

  #newEngine(clock: VirtualScheduler): GatedEngine {
    const engine = this.#agent?.newEngine(clock) ?? new GatedEngine();
    engine.stopsAtOnce = this.#disk.stopsAtOnce;
    return engine;
  }

  /** Takes a step at once; what it returns must be awaited before the next. */
  take(step: HistoryStep | AgentStep): Promise<void> | undefined {
    if (this.#agent !== undefined) {
      // What an agent says is stored in batches: whether a broken disk is noticed is a matter of luck.
      if (step.type === "breakDisk") return this.settle().then(() => this.#take(step));
      if (this.#disk.isBroken && ["call", "question", "decide"].includes(step.type))
        return undefined;
    }
    return this.#take(step);
  }

  #take(step: HistoryStep | AgentStep): Promise<void> | undefined {
    if (step.type === "wait") return this.#wait();
    if (step.type === "question" || step.type === "decide" || step.type === "open") {
      return this.#agent?.take(step, this.#at(step.session), () => this.settle());
    }
    if (step.type === "throw" && this.#agent !== undefined) return this.#killAgent(this.#agent);
    if (step.type === "join") return this.#join(this.#at(step.session), step.named);
    if (step.type === "crash") return this.#crash();
    if (settlesFirst(step)) this.#settleJoining();
    switch (step.type) {
      case "accept":
        return this.#accept(this.#at(step.session), "prompt", step.named);
      case "ask":
        return this.#ask(this.#at(step.session), step.named, step.whenBusy);
      case "summarize":
        return this.#accept(this.#at(step.session), "summary", step.named);
      case "repeat":
        return this.#repeat(step.pick);
      case "conflict":
        return this.#conflict(step.pick);
      case "cancel":
        return this.#cancel(this.#at(step.session));
      case "cancelRun":
        return this.#cancelRun(step.pick);
      case "clearQueue":
        return this.#clearQueue(this.#at(step.session));
      case "pause":
      case "resume":
      case "move":
      case "edit":
      case "remove":
        if (this.#closing !== undefined) return undefined;
        return changeQueue(this.#house, this.#at(step.session), step, this.#disk.isBroken);
      case "settle":
        return this.settle();
      case "breakDisk":
        if (this.#closing === undefined) this.#breakDisk(true);
        return undefined;
      case "healDisk":
        return this.#disk.isBroken ? this.#heal() : undefined;
      case "close":
        return this.#close(step.cause);
      default:
        return this.#tellEngine(this.#at(step.session), step.type);
    }
  }

  #at(index: number): ModelSession {
    const found = this.#sessions[index];
    if (found === undefined) throw new Error(`no session ${index}`);
    return found;
  }

  #accept(target: ModelSession, kind: ModelRun["kind"], named: boolean): undefined {
    if (this.#closing !== undefined) return;
    const name = `r${++this.#names}`;
    const sent = { kind, text: name, ...defined({ runId: named ? name : undefined }) };
    if (kind === "summary" && target.isBusy) return this.#refused("SessionBusy", target, sent);
    if (this.#disk.isBroken) return this.#refused("StorageFailed", target, sent);
    this.#accepted(target, this.#house.accept(target.id, sent), sent);
  }

  /** A prompt with options of its own. */
  #ask(target: ModelSession, named: boolean, whenBusy?: RunOptions["whenBusy"]): undefined {
    if (this.#closing !== undefined) return;
    const text = `r${++this.#names}`;
    const options =
      whenBusy === "join" ? { whenBusy } : { instructions: text, ...defined({ whenBusy }) };
    const runId = defined({ runId: named ? text : undefined });
    const sent = { kind: "prompt" as const, text, options, ...runId };
    const waits = target.isBusy || target.isPaused;
    if (waits && whenBusy === "reject") {
      // What waits is made this server's before anybody can say that it waits.
      const attempt = () => this.#house.accept(target.id, sent);
      if (refusesToTakeOver(target, this.#disk, attempt)) return;
      return this.#refused("SessionBusy", target, sent);
    }
    if (this.#disk.isBroken) return this.#refused("StorageFailed", target, sent);
    this.#accepted(target, this.#house.accept(target.id, sent), sent);
  }

  #accepted(
    target: ModelSession,
    accepted: Acceptance,
    sent: Pick<ModelRun, "text" | "kind" | "options">,
  ): void {
    if (accepted.isDuplicate) throw new Error("a fresh run is no duplicate");
    const run = freshRun(target, accepted.run, sent);
    this.#runs.push(run);
    target.accept(run);
  }

  /** A prompt that is accepted with the next commit. */
  #join(target: ModelSession, named: boolean): undefined {
    if (this.#closing !== undefined) return;
    const text = `r${++this.#names}`;
    const told = this.#house.join(target.id, {
      text,
      ...defined({ runId: named ? text : undefined }),
    });
    // The second on one session finds the first accepted.
    if (this.#joining.some((one) => one.target === target)) this.#joined();
    const joining = { target, told, text, mayFail: this.#disk.isBroken };
    // Refused at once: a broken disk does not let it take over what a server that is gone has left.
    if (told.error !== undefined) {
      this.#told(joining);
      return;
    }
    // That was done at once, even if the prompt itself is refused by a disk that breaks meanwhile.
    if (target.isToBeTakenOver) target.isLeft = false;
    this.#joining.push(joining);
  }

  /** Whatever comes next must find what was sent before it accepted. */
  #settleJoining(): void {
    if (this.#joining.length === 0) return;
    this.#house.coordinator.settle();
    this.#joined();
  }

  #joined(): void {
    for (const joining of this.#joining.splice(0)) this.#told(joining);
  }

  #told({ target, told, text, mayFail }: Joining): void {
    if (told.acceptance !== undefined) {
      this.#accepted(target, told.acceptance, { text, kind: "prompt" });
      return;
    }
    expect(told.error, text).toMatchObject({ name: "StorageFailed" });
    expect(mayFail, text).toBe(true);
    expect(this.#house.runs.find(workspaceId, text)).toBeUndefined();
  }

  #refused(name: string, target: ModelSession, sent: { runId?: string; text: string }): undefined {
    expect(() => this.#house.accept(target.id, sent)).toThrow(expect.objectContaining({ name }));
    if (sent.runId !== undefined) {
      expect(this.#house.runs.find(workspaceId, sent.runId)).toBeUndefined();
    }
  }

  #named(index: number): ModelRun | undefined {
    const named = this.#runs.filter(({ runId }) => runId !== undefined);
    return named[named.length - 1 - (index % Math.max(1, named.length))];
  }

  #repeat(index: number): undefined {
    const run = this.#named(index);
    if (run?.runId === undefined || this.#closing !== undefined) return;
    const { runId, kind, text, options } = run;
    const same = { runId, kind, text, ...defined({ options }) };
    const again = this.#house.accept(run.session.id, same);
    expect(again).toMatchObject({ isDuplicate: true, row: { state: run.state } });
  }

  #conflict(index: number): undefined {
    const run = this.#named(index);
    if (run?.runId === undefined || this.#closing !== undefined) return;
    const { runId, kind, text } = run;
    for (const other of [
      { runId, kind, text: "another" },
      { runId, kind, text, options: { instructions: "others" } },
    ]) {
      expect(() => this.#house.accept(run.session.id, other)).toThrow(
        expect.objectContaining({ name: "RunIdConflict" }),
      );
    }
  }

  #cancel(target: ModelSession): undefined {
    const { coordinator } = this.#house;
    if (refusesToTakeOver(target, this.#disk, () => coordinator.cancelSession(target.id))) return;
    expect(this.#house.coordinator.cancelSession(target.id)).toEqual(target.covered());
    target.cancel();
  }

  #cancelRun(index: number): undefined {
    const run = this.#named(index);
    if (run?.runId === undefined) return;
    const { session: target } = run;
    if (target.isShut && target.queue.includes(run)) return;
    const { coordinator } = this.#house;
    const row = this.#house.row(run.runId);
    const hasJoined = target.current?.run.joined.includes(run);
    const isOver = run.state === "completed" || target.owed.includes(run);
    if (!isOver && refusesToTakeOver(target, this.#disk, () => coordinator.cancelRun(row))) return;
    const isCurrent = target.current?.run === run;
    const isBegun = isCurrent && target.current?.hasBegun;
    const open = isBegun ? "stopping" : "cancelledBeforeStart";
    const other = hasJoined ? "joined" : open;
    expect(coordinator.cancelRun(row)).toBe(isOver ? "alreadyCompleted" : other);
    if (isOver || hasJoined) return;
    if (isCurrent && target.current !== undefined) target.current.isCancelled = true;
    else if (target.queue.includes(run)) target.drop([run]);
  }

  #clearQueue(target: ModelSession): undefined {
    const clear = () => this.#house.coordinator.queue.clear(target.id);
    if (refusesToTakeOver(target, this.#disk, clear)) return;
    expect(clear()).toBe(target.changeable.length);
    target.drop(target.changeable);
  }

  #tellEngine(target: ModelSession, what: string): undefined {
    const { current } = target;
    if (current === undefined) return;
    const { engine } = this.#house;
    if (what === "ready" || what === "unready") {
      if (current.phase !== "preparing") return;
      if (what === "unready" && current.run.wasLeft === true) return;
      const preparation = engine.preparations.findLast((one) => one.sessionId === target.id);
      if (what === "ready") preparation?.ready();
      else preparation?.fail(new DomainError("ModelNotConfigured", "gone"));
      current.phase = what;
      return;
    }
    if (current.phase !== "calling") return;
    if (this.#agent?.tellOpening(target, what) === true) return;
    const turn = engine.turnOf(target.id);
    if (what === "call" && this.#agent?.isAsking(target.id)) return;
    if (turn.kind === "prompt") expect(turn.text).toBe(current.run.edited ?? current.run.text);
    if (what === "stop" ? current.isCancelled : !current.isCancelled) tellTurn(turn, current, what);
  }

  #breakDisk(isBroken: boolean): void {
    this.#disk.isBroken = isBroken;
    for (const one of this.#joining) one.mayFail ||= isBroken;
    this.#house.breakDisk(isBroken);
  }

  async #heal(): Promise<void> {
    await this.settle();
    this.#breakDisk(false);
    await this.#advance(10_000);
    await this.settle();
  }

  async #wait(): Promise<void> {
    await this.settle();
    // What a broken disk owes is written when it is healed.
    if (this.#disk.isBroken) return;
    await this.#advance(10_000);
    await this.settle();
  }

  async #advance(ms: number): Promise<void> {
    this.#agent?.passes(ms, this.#sessions);
    await this.#house.clock.advance(ms);
  }

  async #killAgent(agent: HistoryAgent): Promise<void> {
    await this.settle();
    agent.die(this.#sessions);
  }

  #close(cause: "deleted" | "shutdown"): undefined {
    if (this.#closing !== undefined || this.#disk.isBroken) return;
    if (cause === "deleted") this.#house.coordinator.queue.takeOverAll();
    for (const one of this.#sessions) one.close(cause);
    this.#closing = this.#house.coordinator.close(cause);
  }

  #crash(): undefined {
    this.#house.crash();
    // Nobody was told that these are accepted.
    this.#joining = [];
    expectCompletionsLast(this.#wire);
    this.#disk.isBroken = false;
    this.#closing = undefined;
    const told = this.#sessions.reduce((sum, one) => sum + one.interrupt(), 0);
    this.#agent?.vanish();
    this.#house = this.#newHouse(this.#house);
    this.#wire = this.#house.connect({ clientId }).wire;
    const all = this.#house.allCompletions();
    const ended = all.slice(all.length - told).filter(({ joined }) => joined === undefined);
    const positions = ended.map(({ run }) => run);
    const placeOf = (position: number) =>
      this.#runs.find((run) => run.position === position)?.place ?? position;
    expect(positions, "in the order of the queues").toEqual(
      positions.toSorted((a, b) => placeOf(a) - placeOf(b)),
    );
  }

  async settle(): Promise<void> {
    await this.#house.clock.settle();
    this.#joined();
    for (const one of this.#sessions) one.settle();
    const pauseMs = this.#agent?.pauseMs() ?? 0;
    if (pauseMs > 0) {
      await this.#advance(pauseMs);
      for (const one of this.#sessions) one.settle();
    }
    if (this.#closing !== undefined && this.#sessions.every(({ isBusy }) => !isBusy)) {
      await this.#closing;
      this.#closing = undefined;
      for (const one of this.#sessions) one.isShut = false;
      await this.#agent?.dispose();
      this.#house.reopen(this.#agent && this.#newEngine(this.#house.clock));
    }
    expectAsModelled(this.#house, this.#sessions, this.#runs);
    this.#agent?.check(this.#sessions);
  }

  /** Lets everything come to its end, and checks what must hold then. */
  async finish(): Promise<void> {
    if (this.#disk.isBroken) await this.#heal();
    else await this.settle();
    const isOver = ({ isBusy, queue }: ModelSession) => !isBusy && queue.length === 0;
    for (let round = 0; !this.#sessions.every(isOver); round++) {
      expect(round, "everything comes to its end").toBeLessThan(1000);
      for (const one of this.#sessions) {
        if (this.#closing === undefined) changeQueue(this.#house, one, { type: "resume" }, false);
        this.#tellEngine(one, "ready");
        this.#tellEngine(one, one.current?.isCancelled ? "stop" : "succeed");
      }
      await this.settle();
    }
    expectToldOnce(this.#house, this.#wire, this.#runs);
    this.#agent?.expectSentOnce(this.#sessions, this.#runs);
    await this.#house.close();
    await this.#agent?.dispose();
  }
}
