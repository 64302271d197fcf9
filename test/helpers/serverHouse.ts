// One of several servers on a data directory, without the runs' turns: what is appended has ended.
import { join } from "node:path";
import type { Clock } from "../../src/base/clock.js";
import { Recovery } from "../../src/coordinator/recovery.js";
import { Broadcaster } from "../../src/events/broadcaster.js";
import type { Delivery } from "../../src/events/delivery.js";
import { LateWatch } from "../../src/events/lateWatch.js";
import { Outbox } from "../../src/events/outbox.js";
import type { RunComplete } from "../../src/protocol/objects/run.js";
import { CompletionStore } from "../../src/storage/completionStore.js";
import { ConnectionStore } from "../../src/storage/connectionStore.js";
import { Database } from "../../src/storage/database.js";
import { GoingOnStore } from "../../src/storage/goingOnStore.js";
import { MessageStore } from "../../src/storage/messageStore.js";
import type { Schema } from "../../src/storage/migrations.js";
import { QueueStore } from "../../src/storage/queueStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { SessionStore } from "../../src/storage/sessionStore.js";
import { workspaceId } from "./coordinatorHouse.js";
import { recordingLog } from "./recordingLog.js";
import type { CountingIds, VirtualScheduler } from "./virtualScheduler.js";

/** One connection of a server, and what came over it. */
export interface HouseConnection {
  readonly server: ServerHouse;
  readonly clientId: string;
  readonly delivery: Delivery;
  readonly got: RunComplete[];
}

/** The part of a shared clock that dies with its server. */
class OwnClock implements Clock {
  isStopped = false;
  readonly #clock: VirtualScheduler;
  constructor(clock: VirtualScheduler) {
    this.#clock = clock;
  }
  now = () => this.#clock.now();
  after = (ms: number, run: () => void) =>
    this.#clock.after(ms, () => {
      if (!this.isStopped) run();
    });
  soon = (run: () => void) =>
    this.#clock.soon(() => {
      if (!this.isStopped) run();
    });
}

export class ServerHouse {
  readonly database: Database;
  readonly registry: ServerRegistry;
  readonly connections: ConnectionStore;
  readonly runs: RunStore;
  readonly outbox: Outbox;
  readonly broadcaster: Broadcaster;
  readonly log = recordingLog();
  /** The runs that are open here though another server has ended them. */
  readonly openRuns = new Set<number>();
  /** How often dead servers were looked for. */
  recoveries = 0;
  readonly #clock: OwnClock;

  constructor(directory: string, clock: VirtualScheduler, ids: CountingIds, schema?: Schema) {
    this.#clock = new OwnClock(clock);
    this.database = Database.open(
      join(directory, "turnwire.db"),
      schema === undefined ? {} : { schema },
    );
    const { database } = this;
    this.registry = ServerRegistry.register(database, directory, {
      id: ids.next("srv"),
      now: clock.now(),
    });
    this.connections = new ConnectionStore(database);
    this.runs = new RunStore(database);
    const stores = { completions: new CompletionStore(database), runs: this.runs };
    this.outbox = new Outbox(database, stores, this.registry.id, ids);
    const { registry, outbox, connections } = this;
    const parts = { registry, outbox, clock: this.#clock, ids, log: this.log.log };
    const messages = new MessageStore(database);
    const recovered = {
      runs: this.runs,
      queues: new QueueStore(database),
      goingOn: new GoingOnStore(database),
      sessions: new SessionStore(database),
      messages,
    };
    const recovery = new Recovery({ ...parts, ...recovered, database });
    recovery.recoverDead();
    const watch = new LateWatch({
      ...parts,
      database,
      connections,
      recoverDead: () => {
        this.recoveries++;
        recovery.recoverDead();
      },
      giveUp: (run) => this.openRuns.has(run),
    });
    this.broadcaster = new Broadcaster(outbox, this.#clock, ids, this.log.log, watch);
  }

  /** A run is accepted, and has ended unless told; returns its position. */
  append(runId: string, clientId: string, sessionId = "s", hasEnded = true): number {
    return this.database.write(() => {
      const position = this.runs.insert({
        workspaceId,
        sessionId,
        runId,
        clientId,
        serverId: this.registry.id,
        kind: "prompt",
        promptHash: "",
        options: undefined,
        state: hasEnded ? "completed" : "queued",
        acceptedAt: this.#clock.now(),
      });
      const row = this.runs.at(position);
      if (row === undefined) throw new Error("the run is gone");
      const completedAt = new Date(this.#clock.now()).toISOString();
      const content = { text: runId, status: "succeeded", cancelled: false } as const;
      if (hasEnded) this.outbox.append(row, { ...content, foldedPrompts: 0, completedAt });
      return position;
    });
  }

  /** A client connects and tells who it is; `ackTimeoutMs` as in `initialize`. */
  connect(
    clientId: string,
    hear: (completion: RunComplete) => void = () => {},
    ackTimeoutMs?: number,
  ): HouseConnection {
    const got: RunComplete[] = [];
    const delivery = this.broadcaster.connect({
      async send({ method, params }) {
        if (method !== "runComplete") return;
        hear(params);
        got.push(params);
      },
      together: (send) => send(),
    });
    delivery.identify({ clientId, ackTimeoutMs, optOutNotifications: [] });
    delivery.release();
    return { server: this, clientId, delivery, got };
  }

  /** The process dies: its lock goes, its rows stay. */
  kill(): void {
    const { database, registry } = this;
    this.#clock.isStopped = true;
    const { id } = registry;
    const connected = database
      .prepare("SELECT clientId FROM connections WHERE serverId = ?")
      .all(id);
    const [row] = database.prepare("SELECT startedAt, schema FROM servers WHERE id = ?").all(id);
    registry.close(this.#clock.now());
    database
      .prepare("INSERT OR IGNORE INTO servers (id, startedAt, schema) VALUES (?, ?, ?)")
      .run(id, row?.startedAt ?? 0, row?.schema ?? null);
    for (const { clientId } of connected) this.connections.add(id, String(clientId), 0);
    database.close();
  }

  /** The server ends in order. */
  close(): void {
    this.broadcaster.close();
    this.registry.close(this.#clock.now());
    this.database.close();
    this.#clock.isStopped = true;
  }
}
