// A server's insides around one workspace's coordinator: a real database file, the real outbox and
// delivery, gated turns, virtual time. A house can crash, and another can be opened on its file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { defined } from "../../src/base/defined.js";
import { type Log, silentLog } from "../../src/base/log.js";
import { resolveConfig } from "../../src/config/resolve.js";
import type { Acceptance } from "../../src/coordinator/acceptance.js";
import { Coordinator } from "../../src/coordinator/coordinator.js";
import type { CoordinatorOptions } from "../../src/coordinator/coordinatorOptions.js";
import { loadTurns } from "../../src/coordinator/lazyTurns.js";
import { OwedWrites } from "../../src/coordinator/owedWrites.js";
import { Recovery } from "../../src/coordinator/recovery.js";
import { requestedOptions, usuallyWhenBusy } from "../../src/coordinator/runOptions.js";
import type { RunTerms } from "../../src/coordinator/runTerms.js";
import type { Prompt } from "../../src/engine/engine.js";
import type { EngineSetup } from "../../src/engine/setup.js";
import { Broadcaster } from "../../src/events/broadcaster.js";
import type { Delivery } from "../../src/events/delivery.js";
import { Outbox } from "../../src/events/outbox.js";
import type { RunCause, RunComplete } from "../../src/protocol/objects/run.js";
import type { RunOptions } from "../../src/protocol/objects/runOptions.js";
import type { LossyEvent, ServerNotification } from "../../src/protocol/registry.js";
import { CheckpointStore } from "../../src/storage/checkpointStore.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import type { DamagedRow } from "../../src/storage/damage.js";
import { Database } from "../../src/storage/database.js";
import { EngineSessionStore } from "../../src/storage/engineSessionStore.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { GroupCommit } from "../../src/storage/groupCommit.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import { QueueStore } from "../../src/storage/queueStore.js";
import type { RunRow } from "../../src/storage/runStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { GatedEngine } from "./gatedEngine.js";
import { refuseSlowPlans } from "./statementPlans.js";
import { CountingIds, VirtualScheduler } from "./virtualScheduler.js";

refuseSlowPlans();

export const workspaceId = "ws";
export const clientId = "client";

const config = resolveConfig({ user: {}, workspace: {}, trusted: false, env: {} });
const setup: EngineSetup = {
  config,
  large: { provider: "p", model: "large" },
  small: { provider: "p", model: "small" },
  permissions: {
    mode: () => "ask",
    leavePlan: () => {},
    rules: async () => config.permissionRules,
  },
};

/** A fresh folder, and how to take it away. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "turnwire-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What a house is opened with. */
export interface HouseOptions {
  readonly directory: string;
  readonly clock?: VirtualScheduler;
  readonly ids?: CountingIds;
  readonly log?: Log;
  readonly engine?: GatedEngine;
  readonly onDamaged?: (row: DamagedRow) => void;
  /** Whether its workspace can go on with a run; by default it can. */
  readonly canGoOn?: (terms: RunTerms) => boolean;
  readonly waitingDays?: number;
  /** How the commands of dead servers are ended; nothing is, unless it is given. */
  readonly commands?: CoordinatorOptions["commands"] | undefined;
  /** Where its questions are asked; nobody answers unless it is given. */
  readonly desk?: CoordinatorOptions["desk"];
  /** What carries `/undo` out. */
  readonly undo?: CoordinatorOptions["undo"];
  /** Makes what asks its clients, in the place of `desk`. */
  readonly deskOf?: (house: CoordinatorHouse) => CoordinatorOptions["desk"];
  /** Whether its runs have checkpoints. */
  readonly hasCheckpoints?: boolean;
  /** Whether its messages wait for shared commits, as they do where many sessions are busy. */
  readonly sharesCommits?: boolean;
}

/** What a prompt is sent with in a test. */
export interface Sent {
  readonly runId?: string;
  readonly text?: string;
  readonly clientId?: string;
  readonly kind?: "prompt" | "summary";
  readonly attachments?: Prompt["attachments"];
  readonly options?: RunOptions;
  readonly defaults?: RunOptions;
  /** Whether the run goes on after the loss of its server. */
  readonly goesOn?: boolean;
  /** What holds when it is accepted. */
  readonly terms?: RunTerms;
  /** How long its questions wait for their client. */
  readonly permissionSeconds?: number;
}

/** The terms under which every run is accepted here. */
export const terms: RunTerms = { mode: "ask", trusted: false, env: ["TOKEN"] };

// A run begins at once then, as these tests count on.
await loadTurns();

export class CoordinatorHouse {
  readonly directory: string;
  readonly clock: VirtualScheduler;
  readonly ids: CountingIds;
  readonly log: Log;
  engine: GatedEngine;
  readonly database: Database;
  readonly registry: ServerRegistry;
  readonly sessions: SessionStore;
  readonly messages: MessageStore;
  readonly runs: RunStore;
  readonly queues: QueueStore;
  readonly goingOn: GoingOnStore;
  readonly completions: CompletionStore;
  readonly outbox: Outbox;
  readonly recovery: Recovery;
  readonly broadcaster: Broadcaster;
  readonly owed: OwedWrites;
  /** Everything that was told, in order, and between the events the completions as committed. */
  readonly told: (LossyEvent | { method: "committed"; params: RunComplete })[] = [];
  coordinator: Coordinator;
  readonly #commits: GroupCommit;
  readonly #canGoOn: HouseOptions["canGoOn"];
  readonly #waitingDays: HouseOptions["waitingDays"];
  readonly #commands: HouseOptions["commands"];
  readonly #desk: CoordinatorOptions["desk"];
  readonly #undo: HouseOptions["undo"];
  readonly #checkpoints: CheckpointStore | undefined;

  constructor(options: HouseOptions) {
    this.#canGoOn = options.canGoOn;
    this.#waitingDays = options.waitingDays;
    this.#commands = options.commands;
    this.#desk = options.desk ?? {
      ask: async () => undefined,
      requestInput: async () => undefined,
    };
    this.#undo = options.undo;
    this.directory = options.directory;
    this.clock = options.clock ?? new VirtualScheduler();
    this.ids = options.ids ?? new CountingIds();
    this.log = options.log ?? silentLog;
    this.engine = options.engine ?? new GatedEngine();
    this.database = Database.open(join(this.directory, "turnwire.db"));
    this.database.damage.listen(options.onDamaged ?? (() => {}));
    const { database, clock, ids, log } = this;
    this.registry = ServerRegistry.register(database, this.directory, {
      id: ids.next("srv"),
      now: clock.now(),
    });
    this.sessions = new SessionStore(database);
    this.messages = new MessageStore(database);
    this.runs = new RunStore(database);
    this.queues = new QueueStore(database);
    this.goingOn = new GoingOnStore(database);
    this.completions = new CompletionStore(database);
    const { registry, runs, queues, sessions, messages, completions } = this;
    this.outbox = new Outbox(database, { completions, runs }, registry.id, ids);
    const { outbox } = this;
    const { goingOn } = this;
    const stores = { runs, queues, goingOn, sessions, messages };
    this.recovery = new Recovery({ database, registry, ...stores, outbox, clock, ids, log });
    this.recovery.recoverDead();
    this.broadcaster = new Broadcaster(outbox, clock, ids, log);
    outbox.onAppended(({ completion }) => {
      this.told.push({ method: "committed", params: completion });
    });
    this.owed = new OwedWrites(database, clock, log);
    const isShared = options.sharesCommits === true;
    this.#commits = new GroupCommit(database, clock, isShared ? 0 : Number.POSITIVE_INFINITY);
    this.#checkpoints = options.hasCheckpoints === true ? new CheckpointStore(database) : undefined;
    if (options.deskOf !== undefined) this.#desk = options.deskOf(this);
    this.coordinator = this.#coordinator();
  }

  #coordinator(): Coordinator {
    const { database, sessions, messages, runs, queues, outbox, engine, clock, ids, log } = this;
    return new Coordinator({
      workspaceId,
      serverId: this.registry.id,
      database,
      sessions,
      messages,
      runs,
      queues,
      goingOn: this.goingOn,
      outbox,
      commits: this.#commits,
      owed: this.owed,
      announcer: {
        emit: (event) => {
          this.told.push(event);
          this.broadcaster.emit(event);
        },
      },
      clock,
      ids,
      log,
      prepareTurn: (signal, run) => engine.prepare({ ...setup, ...run }, signal),
      engineSessions: new EngineSessionStore(database),
      desk: this.#desk,
      canGoOn: (told) => this.#canGoOn?.(told) ?? true,
      ...defined({
        undo: this.#undo,
        commands: this.#commands,
        checkpoints: this.#checkpoints,
      }),
      recoverIfDead: (id) => this.recovery.recoverIfDead(id),
      waitingDays: () => this.#waitingDays,
    });
  }

  /** The workspace is opened again after it was closed, perhaps with another engine. */
  reopen(engine = this.engine): void {
    this.engine = engine;
    this.coordinator = this.#coordinator();
  }

  /** Makes a session. */
  session(id: string): string {
    this.sessions.insert({
      id,
      workspaceId,
      parentSessionId: undefined,
      title: "a title",
      createdAt: this.clock.now(),
    });
    return id;
  }

  /** Accepts a prompt, at once. Throws where it is refused. */
  accept(sessionId: string, sent: Sent = {}): Acceptance {
    const told = this.join(sessionId, sent);
    this.coordinator.settle();
    if (told.acceptance === undefined) throw told.error;
    return told.acceptance;
  }

  /** Sends a prompt, which is accepted with the next commit; what came of it is told then. */
  join(sessionId: string, sent: Sent = {}): { acceptance?: Acceptance; error?: unknown } {
    const told: { acceptance?: Acceptance; error?: unknown } = {};
    const options = requestedOptions(sent.runId, sent.options ?? {}, sent.defaults ?? {});
    this.coordinator.accept(
      {
        sessionId,
        runId: sent.runId,
        clientId: sent.clientId ?? clientId,
        kind: sent.kind ?? "prompt",
        ...defined({ permissionSeconds: sent.permissionSeconds }),
        prompt: { text: sent.text ?? "hello", attachments: sent.attachments ?? [] },
        options,
        ...defined({ terms: sent.goesOn === true ? (sent.terms ?? terms) : undefined }),
        held: sent.terms ?? terms,
        whenBusy: options.effective.whenBusy ?? usuallyWhenBusy(sent.runId, {}),
      },
      {
        accepted: (acceptance) => {
          told.acceptance = acceptance;
        },
        refused: (error) => {
          told.error = error;
        },
      },
    );
    return told;
  }

  /** Accepts a prompt and takes its turn to its first model call. */
  async begin(sessionId: string, sent: Sent = {}) {
    this.accept(sessionId, sent);
    return this.ready(sessionId);
  }

  /** Takes the run that is being made ready to its first model call. */
  async ready(sessionId: string) {
    await this.clock.settle();
    this.engine.preparing.ready();
    await this.clock.settle();
    return this.engine.turnOf(sessionId);
  }

  /** The row of a run with a `runId`. */
  row(runId: string): RunRow {
    const row = this.runs.find(workspaceId, runId);
    if (row === undefined) throw new Error(`no run ${runId}`);
    return row;
  }

  /** The completion of a run with a `runId`. */
  completion(runId: string): RunComplete | undefined {
    return this.outbox.ofRun(this.row(runId).position);
  }

  /** Every completion on disk, by sequence, acknowledged or not. */
  allCompletions(): (RunComplete & { run: number })[] {
    return this.database
      .prepare("SELECT * FROM completions ORDER BY sequence")
      .all()
      .map((row) => ({
        ...JSON.parse(String(row.body)),
        sequence: row.sequence,
        attempt: row.attempt,
        run: Number(row.run),
      }));
  }

  /** The texts of a session's messages: `role: text`, with how it finished. */
  transcript(sessionId: string): string[] {
    return this.messages.list(sessionId, -1).rows.map(({ role, parts }) => {
      const all: { type: string; text?: string; reason?: string }[] = JSON.parse(parts ?? "[]");
      const words = all.map((part) => part.text ?? (part.reason ? `[${part.reason}]` : part.type));
      return `${role}: ${words.join(" ")}`;
    });
  }

  /** Connects a client; what it is sent is kept in order. */
  connect(identity?: { clientId: string; ackTimeoutMs?: number }): {
    delivery: Delivery;
    wire: ServerNotification[];
  } {
    const wire: ServerNotification[] = [];
    const delivery = this.broadcaster.connect({
      send: async (message) => {
        wire.push(message);
      },
    });
    if (identity !== undefined) {
      const { clientId, ackTimeoutMs } = identity;
      delivery.identify({ clientId, ackTimeoutMs, optOutNotifications: [] });
      delivery.release();
    }
    return { delivery, wire };
  }

  /** From now on, or no longer, the disk refuses every write. */
  breakDisk(isBroken = true): void {
    this.database.prepare(`PRAGMA query_only = ${isBroken ? 1 : 0}`).run();
  }

  /** The process dies: nothing is closed in order, and the system releases its lock. */
  crash(): void {
    this.clock.stop();
    this.broadcaster.close();
    this.breakDisk();
    // The entry stays, as it would; the lock goes in any case.
    expect(() => this.registry.close(this.clock.now())).toThrow();
    this.database.close();
  }

  /** Ends every turn, however many turns of the event loop that takes. */
  async endTurns(cause: RunCause = "shutdown"): Promise<void> {
    let hasEnded = false;
    const ended = this.coordinator.close(cause).finally(() => {
      hasEnded = true;
    });
    do await this.clock.settle();
    while (!hasEnded);
    await ended;
  }

  /** Ends the server in order. */
  async close(cause: RunCause = "shutdown"): Promise<void> {
    await this.endTurns(cause);
    this.owed.close();
    this.broadcaster.close();
    this.registry.close(this.clock.now());
    this.database.close();
  }
}
