// One random history of questions: several servers over one database, with real turns, desks and rewinds.
import { join } from "node:path";
import { expect } from "vitest";
import { ConnectionError, ConnectionErrors } from "vscode-jsonrpc/node";
import { DomainError } from "../../src/base/errors.js";
import { silentLog } from "../../src/base/log.js";
import { KeptContent } from "../../src/checkpoints/keptContent.js";
import { Rewinder } from "../../src/checkpoints/rewind.js";
import type { QuestionDesk } from "../../src/coordinator/coordinatorOptions.js";
import type { TurnRequest } from "../../src/engine/engine.js";
import type { Permissions } from "../../src/permissions/types.js";
import type {
  PermissionAnswer,
  PermissionQuestion,
  ToolQuestion,
} from "../../src/protocol/registry.js";
import type { Askable } from "../../src/rpc/askable.js";
import { AskingDesk } from "../../src/rpc/askingDesk.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { ConnectionStore } from "../../src/storage/connectionStore.js";
import { QuestionStore } from "../../src/storage/questionStore.js";
import { AgentEngine, type Effects, GatedCall } from "../helpers/agentEngine.js";
import { CoordinatorHouse, workspaceId } from "../helpers/coordinatorHouse.js";
import { finish, text, toolCall } from "../helpers/fakeModel.js";
import { CountingIds, promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";
import { type AskedCall, AskingLedger } from "./askingLedger.js";
import { type AskingStep, askingClients, askingPlaces, askingSessions } from "./askingStep.js";

interface Server {
  readonly house: CoordinatorHouse;
  readonly engine: AgentEngine;
  readonly desk: AskingDesk;
  readonly connections: ConnectionStore;
  readonly rewinder: Rewinder;
  isDead: boolean;
}

interface Window {
  readonly server: Server;
  readonly client: string;
  /** The questions that it has and has not answered. */
  readonly open: Map<string, (result: unknown) => void>;
  leave(): void;
}

type StepOf<Type extends AskingStep["type"]> = Extract<AskingStep, { readonly type: Type }>;

/** Plays a history, and checks after each step what must always hold. */
export class AskingHistory {
  readonly #directory: string;
  readonly #ids = new CountingIds();
  readonly #effects: Effects = new Map();
  readonly #ledger = new AskingLedger();
  readonly #servers: (Server | undefined)[] = Array.from({ length: askingPlaces }, () => undefined);
  /** Servers that were taken for dead, and live. */
  readonly #ghosts: Server[] = [];
  #windows: Window[] = [];
  #now = Date.UTC(2026, 0, 1);
  #names = 0;

  constructor(directory: string) {
    this.#directory = directory;
    for (const id of askingSessions) this.#at(0).house.session(id);
  }

  /** The server at a place; one is started if there is none. */
  #at(place: number): Server {
    const found = this.#servers[place];
    if (found !== undefined) return found;
    const ids = this.#ids;
    const clock = new VirtualScheduler(this.#now);
    let server: Server | undefined;
    const engine = new AgentEngine({
      effects: this.#effects,
      ids,
      permissionsOf: (request) => this.#permissions(() => server, request),
    });
    let desk: AskingDesk | undefined;
    const house = new CoordinatorHouse({
      directory: this.#directory,
      ids,
      clock,
      engine,
      hasCheckpoints: true,
      deskOf: (made) => {
        const book = new QuestionStore(made.database, made.registry);
        desk = new AskingDesk({ clock, log: silentLog, isShared: true, book });
        return this.#listening(desk, made);
      },
    });
    if (desk === undefined) throw new Error("the house has no desk");
    const { database, runs, registry } = house;
    const rewinder = new Rewinder({
      database,
      store: new CheckpointStore(database),
      runs,
      serverId: registry.id,
      clock,
      ids,
      content: new KeptContent(join(this.#directory, "kept"), ids),
      working: new Set(),
    });
    const connections = new ConnectionStore(database);
    server = { house, engine, desk, connections, rewinder, isDead: false };
    this.#servers[place] = server;
    return server;
  }

  /** A desk whose questions are noted. */
  #listening(desk: AskingDesk, { runs, registry }: CoordinatorHouse): QuestionDesk {
    const note = (run: Parameters<QuestionDesk["ask"]>[0], question: PermissionQuestion) => {
      const call = this.#callOf(question.toolCallId, run);
      // What a server asks that has lost the run is no question of it.
      if (runs.at(call.run)?.serverId !== registry.id) return;
      this.#inTurn(() => this.#ledger.asked(call, question, this.#now));
    };
    return {
      adopt: async (run, question) => {
        const call = this.#ledger.calls.get(question.toolCallId);
        if (call !== undefined) call.hasChangedServer = true;
        return desk.adopt(run, question);
      },
      ask: (run, question, signal, anew) => {
        note(run, question);
        return desk.ask(run, question, signal, async () => {
          const now = await anew();
          if (now !== undefined) note(run, now);
          return now;
        });
      },
      requestInput: async () => undefined,
    };
  }

  /** What a check inside a turn has found: there it would be the error of a tool. */
  #found: unknown;

  #inTurn(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#found ??= error;
    }
  }

  #callOf(toolCallId: string, run: Parameters<QuestionDesk["ask"]>[0]): AskedCall {
    const known = this.#ledger.calls.get(toolCallId);
    if (known !== undefined) return known;
    const aloneSince = this.#isThere(run.clientId) ? undefined : this.#now;
    const call: AskedCall = {
      toolCallId,
      run: run.position,
      client: run.clientId,
      seconds: run.permissionSeconds,
      goesOn: run.goesOn?.() ?? false,
      mayHappen: false,
      version: 0,
      isDecided: false,
      questions: [],
      aloneSince,
      unnoticedSince: aloneSince,
      hasChangedServer: false,
    };
    this.#ledger.calls.set(toolCallId, call);
    return call;
  }

  #permissions(serverOf: () => Server | undefined, request: TurnRequest): Permissions {
    return {
      check: async ({ toolCallId = "" }, signal) => {
        const known = () => this.#ledger.calls.get(toolCallId);
        const question = (): ToolQuestion => ({
          toolCallId,
          tool: "write",
          action: "write",
          description: String(known()?.version ?? 0),
          locations: [],
          readOnly: false,
          choices: ["allow", "deny"],
          input: {},
        });
        if (known()?.isDecided === true) return { allowed: true };
        const answer = await request.ask(question(), signal, async () =>
          known()?.isDecided === true ? undefined : question(),
        );
        signal.throwIfAborted();
        const [call, server] = [known(), serverOf()];
        if (call === undefined || server === undefined) throw new Error("nobody was asked");
        this.#inTurn(() => {
          // What a killed process would still have done does not happen.
          if (server.isDead) return;
          if (this.#hasRun(server, call)) this.#ledger.decided(call, answer, this.#now);
          else this.#ledger.decidedByLost(call, answer);
        });
        const isAllowed = call.isDecided || answer?.decision === "allow";
        return isAllowed ? { allowed: true } : { allowed: false, message: "No." };
      },
    };
  }

  #hasRun({ house }: Server, call: AskedCall): boolean {
    const row = house.runs.at(call.run);
    return row?.state !== "completed" && row?.serverId === house.registry.id;
  }

  get #living(): Server[] {
    return this.#servers.flatMap((server) => server ?? []);
  }

  get #all(): Server[] {
    return [...this.#living, ...this.#ghosts];
  }

  /** Takes a step, lets everything happen that comes of it, and checks. */
  async take(step: AskingStep): Promise<void> {
    try {
      await this.#take(step);
    } catch (error) {
      // Another server has the session, or it has no checkpoint: that is an answer.
      const answers = ["SessionBusy", "CheckpointNotFound"];
      if (!(error instanceof DomainError && answers.includes(error.name))) throw error;
    }
    await this.#settle(300);
    this.#check();
  }

  async #take(step: AskingStep): Promise<void> {
    switch (step.type) {
      case "send":
        return this.#send(step);
      case "speak":
        return this.#speak(step);
      case "letToolsEnd":
        return this.#letToolsEnd();
      case "connect":
        return this.#connect(this.#at(step.house), step.client);
      case "leave":
        return this.#leave(this.#windows[step.pick % Math.max(1, this.#windows.length)]);
      case "reply":
        return this.#reply(step.pick, { decision: step.decision });
      case "nonsense":
        return this.#reply(step.pick, undefined);
      case "answer":
        return this.#answer(step);
      case "cancel": {
        const open = this.#openRuns();
        const run = open[step.pick % Math.max(1, open.length)];
        if (run !== undefined) this.#at(step.house).house.coordinator.cancelRun(run);
        return;
      }
      case "rewind":
        return this.#rewind(step);
      case "adopt":
        this.#adopt(this.#at(step.house));
        return;
      case "kill":
        this.#kill(step.house);
        if (step.adopts) this.#adopt(this.#at(step.house));
        return;
      case "park":
        return this.#park(step.house);
      case "takeForDead":
        return this.#takeForDead(step);
      case "dropLost":
        for (const { house } of this.#ghosts) house.coordinator.dropLost();
        return;
      case "wait":
        return this.#wait(step.ms);
      default:
        return this.#changeCall(step);
    }
  }

  #changeCall({ type, pick }: StepOf<"change" | "decide">): void {
    const open = [...this.#ledger.calls.values()].filter(({ verdict }) => verdict === undefined);
    const call = open[pick % Math.max(1, open.length)];
    if (call === undefined) return;
    if (type === "change") {
      call.version++;
      return;
    }
    call.isDecided = true;
    call.mayHappen = true;
  }

  #openRuns() {
    const { house } = this.#all[0] ?? this.#at(0);
    const rows = [];
    for (let position = 1; ; position++) {
      const row = house.runs.at(position);
      if (row === undefined) return rows;
      if (row.state !== "completed") rows.push(row);
    }
  }

  async #send(step: StepOf<"send">): Promise<void> {
    const { house, session, client, seconds, goesOn, calls, isThere } = step;
    const server = this.#at(house);
    if (isThere) this.#connect(server, client);
    const sessionId = askingSessions[session] ?? "";
    const runId = `r${++this.#names}`;
    const sent = { runId, text: runId, clientId: client, goesOn, permissionSeconds: seconds };
    server.house.accept(sessionId, sent);
    await this.#settle(1);
    const call = callsOf(server).find((gate) => gate.sessionId === sessionId);
    if (call !== undefined) this.#say(server, call, calls);
  }

  #speak({ pick, calls: count }: StepOf<"speak">): void {
    const all = this.#all.flatMap((server) => callsOf(server).map((gate) => ({ server, gate })));
    const chosen = all[pick % Math.max(1, all.length)];
    if (chosen !== undefined) this.#say(chosen.server, chosen.gate, count);
  }

  #say({ engine }: Server, gate: GatedCall, count: number): void {
    if (count === 0) {
      engine.reply(gate, ...text("done"), finish());
      return;
    }
    const made = Array.from({ length: count }, () => `c${++this.#names}`);
    const parts = made.flatMap((id) => toolCall(id, "write", { text: id }));
    engine.reply(gate, ...parts, finish("tool-calls"));
  }

  #letToolsEnd(): void {
    for (const { engine } of this.#all) {
      for (const gate of [...engine.gates]) if (!(gate instanceof GatedCall)) engine.open(gate);
    }
  }

  #connect(server: Server, client: string): void {
    if (this.#windows.length >= 5) return;
    const open = new Map<string, (result: unknown) => void>();
    let leave = () => {};
    const gone = new Promise<never>((_, reject) => {
      leave = () => reject(new ConnectionError(ConnectionErrors.Closed, "gone"));
    });
    gone.catch(() => {});
    const sendRequest = (_: string, { permissionId }: PermissionQuestion, token: Withdrawal) => {
      const call = this.#ledger.of(permissionId)?.call;
      if (call !== undefined && call.seconds > 0) {
        this.#inTurn(() => {
          expect(call.client, `${permissionId} is put to its client alone`).toBe(client);
        });
      }
      token.onCancellationRequested(() => open.delete(permissionId));
      const answered = new Promise((resolve) => open.set(permissionId, resolve));
      return Promise.race([answered, gone]);
    };
    const askable = {
      clientId: client,
      canAnswer: true,
      canGiveInput: false,
      connection: { sendRequest },
    } as unknown as Askable;
    const { desk, connections, house } = server;
    const forget = desk.add(askable);
    connections.add(house.registry.id, client, house.clock.now());
    desk.identified(askable);
    const window: Window = {
      server,
      client,
      open,
      leave: () => {
        leave();
        forget();
        const isLast = !this.#windows.some((one) => one.server === server && one.client === client);
        if (isLast) connections.remove(house.registry.id, client, house.clock.now());
      },
    };
    this.#windows.push(window);
    this.#lookWhoIsThere();
  }

  #leave(window: Window | undefined): void {
    if (window === undefined) return;
    this.#windows = this.#windows.filter((one) => one !== window);
    if (!window.server.isDead) window.leave();
    this.#lookWhoIsThere();
  }

  #isThere(client: string): boolean {
    // No other server knows of the connections of one that was taken for dead.
    return this.#windows.some((one) => one.client === client && !this.#ghosts.includes(one.server));
  }

  #lookWhoIsThere(): void {
    for (const call of this.#ledger.calls.values()) {
      this.#ledger.isThere(call, this.#isThere(call.client), this.#now);
    }
  }

  #reply(pick: number, answer: PermissionAnswer | undefined): void {
    const asked = this.#windows.flatMap(({ open }) =>
      [...open].map(([id, resolve]) => ({ id, resolve, open })),
    );
    const one = asked[pick % Math.max(1, asked.length)];
    if (one === undefined) return;
    one.open.delete(one.id);
    this.#ledger.gave(one.id, answer);
    one.resolve(answer ?? { decision: "perhaps" });
  }

  /** Any question that there ever was may be answered: late, twice, after a cancel, by a stranger. */
  #answer(step: StepOf<"answer">): void {
    const { house: place, pick, decision, dies, isGhost, isAny, isStranger } = step;
    const all = this.#ledger.questions;
    const open = all.filter(({ call }) => call.verdict === undefined);
    const chosen = isAny || open.length === 0 ? all : open;
    const { call, question } =
      chosen[chosen.length - 1 - (pick % Math.max(1, chosen.length))] ?? {};
    if (question === undefined || call === undefined) return;
    const ghost = isGhost ? this.#ghosts.at(-1) : undefined;
    const server = ghost ?? this.#at(place);
    const { id } = question;
    const stranger = askingClients.find((one) => one !== call.client) ?? "";
    const client = isStranger ? stranger : call.client;
    const answer = { decision, message: `answer ${++this.#names}` };
    const isRunOpen = this.#openRuns().some(
      ({ position }) => position === this.#ledger.of(id)?.call.run,
    );
    const mustBeTaken =
      isRunOpen && client === call.client && this.#ledger.isCertainlyOpen(id, this.#now);
    let isTaken = true;
    try {
      server.desk.answer({ permissionId: id, ...answer }, client);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      expect(error.name).toBe("PermissionNotFound");
      isTaken = false;
    }
    if (isTaken) this.#ledger.confirmed(id, client, answer, isRunOpen);
    else if (mustBeTaken) throw new Error(`the answer to ${id} was refused`);
    if (dies && ghost === undefined) this.#kill(place);
  }

  async #rewind({ house, session }: StepOf<"rewind">): Promise<void> {
    const server = this.#at(house);
    const sessionId = askingSessions[session] ?? "";
    const [checkpoint] = new CheckpointStore(server.house.database).list(sessionId, 1);
    if (checkpoint === undefined) return;
    const isBusy = this.#openRuns().some((run) => run.sessionId === sessionId);
    const history = { files: false, history: true, force: false, dryRun: false };
    let isOver = false;
    const rewound = server.rewinder.rewind({ workspaceId, checkpoint, ...history }).finally(() => {
      isOver = true;
    });
    rewound.catch(() => {});
    while (!isOver) await this.#settle(1);
    await rewound;
    expect(isBusy, "a session with an open run is not rewound").toBe(false);
  }

  #kill(place: number): void {
    const server = this.#servers[place];
    if (server === undefined) return;
    server.isDead = true;
    server.house.crash();
    this.#servers[place] = undefined;
    this.#lose(server);
  }

  /** The windows of a server that is gone. */
  #lose(server: Server): void {
    for (const window of this.#windows.filter((one) => one.server === server)) this.#leave(window);
  }

  async #park(place: number): Promise<void> {
    const server = this.#servers[place];
    if (server === undefined) return;
    this.#servers[place] = undefined;
    await server.house.close();
    server.isDead = true;
    this.#lose(server);
  }

  #adopt({ house }: Server): void {
    for (const id of askingSessions) house.coordinator.adopt(id);
  }

  /** Its lock does not hold, and it goes on as if it did. */
  #takeForDead({ house: place, adopts }: StepOf<"takeForDead">): void {
    const server = this.#servers[place];
    if (server === undefined) return;
    this.#servers[place] = undefined;
    server.house.registry.close(server.house.clock.now());
    this.#ghosts.push(server);
    this.#lookWhoIsThere();
    if (adopts) this.#adopt(this.#at(place));
  }

  async #wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) await this.#settle(Math.min(left, 500));
  }

  async #settle(ms: number): Promise<void> {
    this.#now += ms;
    for (const { house } of this.#all) await house.clock.advance(ms);
    for (const { house } of this.#all) await house.clock.settle();
    for (const { desk } of this.#all) desk.lookAtOthers();
    await promisesHaveRun();
    for (const { house } of this.#all) await house.clock.settle();
    this.#lookWhoWasTakenForDead();
  }

  /** Until another server has taken its runs away, one that was taken for dead has them. */
  #lookWhoWasTakenForDead(): void {
    for (const ghost of this.#ghosts) {
      for (const call of this.#ledger.calls.values()) {
        if (this.#hasRun(ghost, call)) call.lostOwnerAt = this.#now;
      }
    }
  }

  #check(): void {
    if (this.#found !== undefined) throw this.#found;
    for (const [call, count] of this.#effects) {
      expect(count, `the effect of ${call}`).toBe(1);
      expect(this.#ledger.calls.get(call)?.mayHappen, `${call} was allowed`).toBe(true);
    }
    this.#checkLists();
    this.#checkStored();
  }

  /** What the server of a run lists of it is open. */
  #checkLists(): void {
    const open = new Set(this.#openRuns().map(({ position }) => position));
    for (const server of this.#living) {
      for (const client of askingClients) {
        for (const { permissionId } of server.desk.list({}, client).permissions) {
          const { call, question } = this.#ledger.of(permissionId) ?? {};
          if (call === undefined) throw new Error(`nobody has asked ${permissionId}`);
          expect(call.client, `${permissionId} is listed for its client`).toBe(client);
          expect(open.has(call.run), `the run of ${permissionId} is open`).toBe(true);
          expect(
            question?.confirmed,
            `${permissionId} is listed until it is answered`,
          ).toBeUndefined();
          if (!this.#hasRun(server, call)) continue;
          expect(call.questions.at(-1)?.id, `${permissionId} is not replaced`).toBe(permissionId);
          const alone = this.#ledger.aloneFor(call, this.#now);
          expect(alone, `${permissionId} waits no longer than it may`).toBeLessThan(
            call.seconds * 1000 + 4000,
          );
        }
      }
    }
  }

  /** What is stored is of open runs. */
  #checkStored(): void {
    const { database } = (this.#all[0] ?? this.#at(0)).house;
    const left = database
      .prepare(
        `SELECT permissionId FROM questions WHERE run NOT IN
           (SELECT position FROM runs WHERE state <> 'completed')`,
      )
      .all();
    expect(left, "what is stored of runs that have ended").toEqual([]);
  }

  /** Lets everything come to its end in one new server, and checks what must hold then. */
  async finish(): Promise<void> {
    for (const ghost of this.#ghosts.splice(0)) await this.#end(ghost);
    for (const place of this.#servers.keys()) this.#kill(place);
    const server = this.#at(0);
    for (let round = 0; this.#openRuns().length > 0; round++) {
      const open = this.#openRuns().map(({ position, state }) => `${position}: ${state}`);
      expect(round, `nothing is stuck: ${open}`).toBeLessThan(200);
      this.#adopt(server);
      for (const gate of [...server.engine.gates]) {
        if (gate instanceof GatedCall) server.engine.reply(gate, ...text("done"), finish());
        else server.engine.open(gate);
      }
      // Nobody is there: each question comes to its end by its time.
      await this.#wait(5000);
      this.#check();
    }
    expect(server.house.database.prepare("SELECT * FROM questions").all()).toEqual([]);
    await server.house.close();
  }

  /** A server that was taken for dead ends; its lock is gone already. */
  async #end(server: Server): Promise<void> {
    await server.house.endTurns();
    server.isDead = true;
    this.#lose(server);
    server.house.owed.close();
    server.house.broadcaster.close();
    server.house.database.close();
  }
}

/** The model calls of a server that have no end yet. */
function callsOf({ engine }: Server): GatedCall[] {
  return [...engine.gates].filter((gate) => gate instanceof GatedCall);
}

interface Withdrawal {
  onCancellationRequested(listener: () => void): void;
}
