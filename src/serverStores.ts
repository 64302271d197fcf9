// Builds what a server keeps in its data directory: the stores over its database, and the checkpoints.
import type { Clock } from "./base/clock.js";
import type { Closing } from "./base/closing.js";
import type { Ids } from "./base/ids.js";
import type { Log } from "./base/log.js";
import { Checkpoints } from "./checkpoints/checkpoints.js";
import { defaultCheckpointMegabytes } from "./config/defaults.js";
import { limitOf, type ServerLimitsSource } from "./config/serverLimitsSource.js";
import { CheckpointStore } from "./storage/checkpointStore.js";
import { CompletionStore } from "./storage/completionStore.js";
import type { Database } from "./storage/database.js";
import { EngineSessionStore } from "./storage/engineSessionStore.js";
import { GoingOnStore } from "./storage/goingOnStore.js";
import { MessageStore } from "./storage/messageStore.js";
import { QueueStore } from "./storage/queueStore.js";
import { RunStore } from "./storage/runStore.js";
import type { ServerRegistry } from "./storage/serverRegistry.js";
import { SessionStore } from "./storage/sessionStore.js";

/** The stores over an open database. */
export function openStores(database: Database) {
  return {
    sessions: new SessionStore(database),
    messages: new MessageStore(database),
    runs: new RunStore(database),
    queues: new QueueStore(database),
    goingOn: new GoingOnStore(database),
    completions: new CompletionStore(database),
    checkpoints: new CheckpointStore(database),
    engineSessions: new EngineSessionStore(database),
  };
}

/** The checkpoints of a data directory. From now on they finish the rewinds that dead servers had begun. */
export function openCheckpoints(
  {
    dataDirectory,
    clock,
    ids,
    log,
  }: {
    readonly dataDirectory: string;
    readonly clock: Clock;
    readonly ids: Ids;
    readonly log: Log;
  },
  closing: Closing,
  opened: {
    readonly database: Database;
    readonly stores: ReturnType<typeof openStores>;
    readonly registry: ServerRegistry;
    readonly limits: ServerLimitsSource;
  },
): Checkpoints {
  const { database, registry, stores, limits } = opened;
  const { checkpoints: store, runs } = stores;
  const surroundings = { dataDirectory, clock, ids, log };
  const mostKeptBytes = async () =>
    ((await limitOf(limits, "checkpointMegabytes")) ?? defaultCheckpointMegabytes) * 1e6;
  const parts = { database, store, runs, registry, mostKeptBytes };
  const checkpoints = new Checkpoints({ ...parts, ...surroundings });
  closing.add(() => checkpoints.close());
  checkpoints.finishOpen();
  return checkpoints;
}
