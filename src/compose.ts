// Builds a server, in order, and closes it in the reverse order.
import { join } from "node:path";
import { Backend } from "./backend/backend.js";
import { CheckpointUseCases } from "./backend/checkpointUseCases.js";
import { RunUseCases } from "./backend/runUseCases.js";
import { SessionUseCases } from "./backend/sessionUseCases.js";
import { WorkspaceFactory } from "./backend/workspaceFactory.js";
import { WorkspaceRegistry } from "./backend/workspaceRegistry.js";
import { type Clock, sleep } from "./base/clock.js";
import { Closing } from "./base/closing.js";
import { messageOf } from "./base/errors.js";
import type { Ids } from "./base/ids.js";
import type { Log } from "./base/log.js";
import type { ResolvePath } from "./base/startFolder.js";
import { limitOf, ServerLimitsSource } from "./config/serverLimitsSource.js";
import { OwedWrites } from "./coordinator/owedWrites.js";
import { Recovery } from "./coordinator/recovery.js";
import { RunSlots } from "./coordinator/runSlots.js";
import { RunsOfServer } from "./coordinator/runsOfServer.js";
import type { Engine, EngineWorkspace } from "./engine/engine.js";
import { Broadcaster } from "./events/broadcaster.js";
import { LateWatch } from "./events/lateWatch.js";
import { Outbox } from "./events/outbox.js";
import { forgetInSteps } from "./forgetInSteps.js";
import type { RunCause } from "./protocol/objects/run.js";
import { type RelaySource, relaysOf } from "./relayStart.js";
import { ClientTools } from "./rpc/clientTools.js";
import type { ServerDescription } from "./rpc/handshake.js";
import { QuestionDesk } from "./rpc/questionDesk.js";
import {
  type ConnectionChannel,
  type ServedConnection,
  serveConnection,
} from "./rpc/serverConnection.js";
import { openCheckpoints, openStores } from "./serverStores.js";
import { Checkpointer } from "./storage/checkpointer.js";
import { ConnectionStore } from "./storage/connectionStore.js";
import { Database } from "./storage/database.js";
import { databaseName, makeDataDirectory } from "./storage/dataDirectory.js";
import { GroupCommit } from "./storage/groupCommit.js";
import { type OwnProcess, olderServers } from "./storage/knownServers.js";
import { schema } from "./storage/migrations.js";
import { ServerRegistry } from "./storage/serverRegistry.js";
import { withFileNamed } from "./storage/storageError.js";
import { WorkspaceStore } from "./storage/workspaceStore.js";

/** How long the end of a server waits for a client to read its completions, in milliseconds. */
const drainMs = 2000;

/** While a client is served, no write waits longer for another program's, in milliseconds. */
const briefMs = 20;
/** At the end of a server they do. */
const lastWritesMs = 500;

/** What a server needs. */
export interface ServerOptions {
  readonly dataDirectory: string;
  readonly description: ServerDescription;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves a relative path of the client's. */
  readonly resolvePath: ResolvePath;
  readonly lingerMs: number;
  /** Whether it serves several clients that are strangers to each other, as a daemon does. */
  readonly isShared?: boolean;
  readonly ownProcess: OwnProcess;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  createEngine(workspace: EngineWorkspace): Engine;
  /** Watches the process that `initialize.processId` names. */
  watchParent(processId: number): void;
  /** Begins to load the code for the first turn. Never waits, never throws. */
  preloadEngine?(): void;
  /** Where its completions are carried. Without it, nowhere. */
  readonly relays?: RelaySource;
}

/** A server without its transport. */
export interface Server {
  /** Serves one client; `onShutdown` is called when it asks for the end. */
  connect(channel: ConnectionChannel, onShutdown: () => void): ServedConnection;
  /** Ends every turn, each with its completion, and waits a while for clients to read them. */
  end(cause: RunCause): Promise<void>;
  /** Ends everything that {@link Server.end} did not end, and closes everything. */
  close(): Promise<void>;
}

/**
 * Builds a server over a data directory. Runs that dead servers left open are ended first.
 *
 * @throws DomainError `StorageFailed` if the directory or its database cannot be used.
 */
export function composeServer(options: ServerOptions): Server {
  const closing = new Closing();
  try {
    return compose(options, closing);
  } catch (error) {
    closing.close().catch((failure: unknown) => {
      options.log.warn({ reason: messageOf(failure) }, "a failed start was not undone");
    });
    throw withFileNamed(join(options.dataDirectory, databaseName), error);
  }
}

function compose(options: ServerOptions, closing: Closing): Server {
  const { clock, ids, log, description, isShared = false } = options;
  const house = openHouse(options, closing);
  const { broadcaster, desk, clientTools } = house;
  const beginRelays = relaysOf({ ...options, ...house, closing });
  const backend = composeBackend(options, house);
  const end = async (cause: RunCause) => {
    await backend.end(cause);
    await Promise.race([broadcaster.drained(), sleep(clock, drainMs)]);
  };
  closing.add(() => backend.end("shutdown"));
  house.database.waitBriefly(briefMs);
  return {
    connect: (channel, onShutdown) =>
      serveConnection({
        channel,
        backend,
        hub: broadcaster,
        desk,
        clientTools,
        description,
        ids,
        log,
        isShared,
        shutdown: async () => {
          onShutdown();
          if (!isShared) await backend.end("shutdown");
        },
        patience: () => sleep(clock, drainMs),
        rest: (ms, signal) => sleep(clock, ms, signal),
        watchParent: (processId) => options.watchParent(processId),
        onGreeted: () => {
          options.preloadEngine?.();
          beginRelays();
        },
      }),
    end,
    close: () => closing.close(),
  };
}

/** Opens the database, and closes it last of all. */
function openDatabase(options: ServerOptions, closing: Closing): Database {
  const { clock, log, dataDirectory, ownProcess } = options;
  makeDataDirectory(dataDirectory);
  const database = Database.open(join(dataDirectory, databaseName), {
    olderServers: (opened, steps) => olderServers(opened, dataDirectory, ownProcess, steps),
  });
  closing.add(() => database.close());
  database.damage.listen((row) => log.error({ ...row }, "a damaged row was passed over"));
  if (database.steps < schema.steps.length) {
    log.warn({ steps: database.steps }, "an older server lives: its schema is used until it ends");
  }
  database.onHeld((isHeld) => {
    if (isHeld) log.warn({}, "another program holds the database; what is to be stored waits");
    else log.info({}, "the database is free again");
  });
  const checkpointer = new Checkpointer(database, clock, log);
  closing.add(() => checkpointer.close());
  return database;
}

/** Opens the parts that all workspaces share: the database, its stores, and the delivery. */
function openHouse(options: ServerOptions, closing: Closing) {
  const { clock, ids, log } = options;
  const database = openDatabase(options, closing);
  const serverId = ids.next("srv");
  const stores = openStores(database);
  const outbox = new Outbox(database, stores, serverId, ids);
  const recoveryOf = (registry: ServerRegistry) =>
    new Recovery({ database, registry, ...stores, outbox, clock, ids, log });
  const registry = ServerRegistry.register(
    database,
    options.dataDirectory,
    { id: serverId, now: clock.now(), own: options.ownProcess },
    (registered) => recoveryOf(registered).recoverDead(),
  );
  closing.add(() => {
    // No client is served any more, so this waits for another server's commit.
    database.waitBriefly(lastWritesMs);
    registry.close();
  });
  const recovery = recoveryOf(registry);
  const runsOfServer = new RunsOfServer();
  const checkpoints = openCheckpoints(options, closing, { database, stores, registry });
  const watch = new LateWatch({
    database,
    registry,
    outbox,
    clock,
    log,
    connections: new ConnectionStore(database),
    recoverDead: () => {
      recovery.recoverDead();
      checkpoints.finishOpen();
    },
    giveUp: (run) => runsOfServer.giveUp(run),
  });
  const broadcaster = new Broadcaster(outbox, clock, ids, log, watch);
  closing.add(() => broadcaster.close());
  const limits = new ServerLimitsSource(options.env, log);
  const slots = new RunSlots(() => limitOf(limits, "concurrentRuns"));
  const parts = { ...options, ...stores, outbox, closing, database };
  const forgetter = forgetInSteps({ ...parts, limits, broadcaster, kept: checkpoints });
  const owed = new OwedWrites(database, clock, log);
  closing.add(() => owed.close());
  return {
    serverId,
    database,
    stores,
    outbox,
    runsOfServer,
    recovery,
    checkpoints,
    broadcaster,
    desk: new QuestionDesk(log, options.isShared),
    clientTools: new ClientTools(clock, log),
    owed,
    limits,
    slots,
    forgetter,
  };
}

/** The use cases over the shared parts. */
function composeBackend(options: ServerOptions, house: ReturnType<typeof openHouse>): Backend {
  const { clock, ids, log } = options;
  const { serverId, database, stores, outbox, runsOfServer, recovery, slots } = house;
  const { broadcaster: announcer, checkpoints: kept } = house;
  const recoverIfDead = (id: string) => {
    const isDead = recovery.recoverIfDead(id);
    if (isDead) kept.finishOpen();
    return isDead;
  };
  const commits = new GroupCommit(database, clock);
  const shared = {
    serverId,
    database,
    ...stores,
    outbox,
    runsOfServer,
    slots,
    announcer,
    clock,
    ids,
    log,
    recoverIfDead,
  };
  const questions = { desk: house.desk, clientTools: house.clientTools };
  const workspacePaths = new WorkspaceStore(database);
  const workspaces = new WorkspaceRegistry({
    store: workspacePaths,
    factory: new WorkspaceFactory({
      coordination: {
        ...shared,
        ...questions,
        commits,
        owed: house.owed,
        keeperOf: (run) => kept.keeperOf(run),
        undo: (asked) =>
          kept.undo({ ...asked, workspacePath: workspacePaths.pathOf(asked.workspaceId) ?? "" }),
      },
      env: options.env,
      limits: house.limits,
      log,
      isShared: options.isShared ?? false,
      createEngine: (workspace) => options.createEngine(workspace),
    }),
    announcer,
    clock,
    log,
    resolvePath: options.resolvePath,
  });
  const { forgetter } = house;
  const sessions = new SessionUseCases({ ...shared, kept, workspaces, workspacePaths, forgetter });
  return new Backend({
    workspaces,
    sessions,
    checkpoints: new CheckpointUseCases({ ...shared, kept, workspaces, sessions }),
    runs: new RunUseCases({ ...shared, workspaces, completions: outbox }),
    completions: outbox,
    clock,
    lingerMs: options.lingerMs,
  });
}
