// Opens the parts that all workspaces of a server share: the database, its stores, and the delivery.
import { join } from "node:path";
import type { Closing } from "./base/closing.js";
import { defined } from "./base/defined.js";
import { limitOf, ServerLimitsSource } from "./config/serverLimitsSource.js";
import { OwedWrites } from "./coordinator/owedWrites.js";
import { RunSlots } from "./coordinator/runSlots.js";
import { RunsOfServer } from "./coordinator/runsOfServer.js";
import { Broadcaster } from "./events/broadcaster.js";
import { LateWatch } from "./events/lateWatch.js";
import { Outbox } from "./events/outbox.js";
import { forgetInSteps } from "./forgetInSteps.js";
import { type ClientDesks, clientDesks } from "./rpc/clientDesks.js";
import { closeRegistry, openRecovery } from "./serverAdopter.js";
import type { ServerOptions } from "./serverOptions.js";
import { openCheckpoints, openStores } from "./serverStores.js";
import { Checkpointer } from "./storage/checkpointer.js";
import { ConnectionStore } from "./storage/connectionStore.js";
import { Database } from "./storage/database.js";
import { databaseName, makeDataDirectory } from "./storage/dataDirectory.js";
import { GroupCommit } from "./storage/groupCommit.js";
import { olderServers } from "./storage/knownServers.js";
import { schema } from "./storage/migrations.js";
import { QuestionStore } from "./storage/questionStore.js";
import { SearchIndex } from "./storage/searchIndex.js";
import { ServerRegistry } from "./storage/serverRegistry.js";

/** How many turns a daemon runs at once, unless `limits.concurrentRuns` says otherwise. */
const runsOfDaemon = 32;
/** How long a step takes that indexes what was said, without its commit, in milliseconds. */
const indexingMs = 3;

interface OutboxPlace {
  readonly database: Database;
  readonly stores: ReturnType<typeof openStores>;
  readonly serverId: string;
}

/** The parts that all workspaces of a server share. */
export type House = ReturnType<typeof openHouse>;

/** Opens the database, and closes it last of all. */
function openDatabase(options: ServerOptions, closing: Closing) {
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
  checkpointer.onRest(() => indexed(database));
  closing.add(() => checkpointer.close());
  return { database, checkpointer };
}

/** Indexes what was said, if anything is to be; what does that is loaded first. */
function* indexed(database: Database): Generator<void> {
  if (!new SearchIndex(database).hasNoted) return;
  let loaded: typeof import("./storage/indexNoted.js") | { readonly error: unknown } | undefined;
  import("./storage/indexNoted.js").then(
    (module) => {
      loaded = module;
    },
    (error: unknown) => {
      loaded = { error };
    },
  );
  while (loaded === undefined) yield;
  if ("error" in loaded) throw loaded.error;
  yield* loaded.indexNoted(database, indexingMs);
}

/** The outbox, and the commits that runs and acknowledgements share. */
function openOutbox(
  { clock, ids }: ServerOptions,
  closing: Closing,
  { database, stores, serverId }: OutboxPlace,
) {
  const commits = new GroupCommit(database, clock);
  const outbox = new Outbox(database, stores, serverId, ids, commits);
  closing.add(() => outbox.settle());
  return { commits, outbox };
}

/** Opens the parts that all workspaces share: the database, its stores, and the delivery. */
export function openHouse(options: ServerOptions, closing: Closing) {
  const { clock, ids, log } = options;
  const { database, checkpointer } = openDatabase(options, closing);
  const serverId = ids.next("srv");
  options.telemetry?.attach(database, serverId);
  const stores = openStores(database);
  const { commits, outbox } = openOutbox(options, closing, { database, stores, serverId });
  const left = { database, ...stores, outbox, clock, ids, log };
  const { recoveryOf, onWaiting } = openRecovery(left);
  const registry = ServerRegistry.register(
    database,
    options.dataDirectory,
    { id: serverId, now: clock.now(), own: options.ownProcess },
    (registered) => recoveryOf(registered).recoverDead(),
  );
  closing.add(() => closeRegistry(database, registry, clock));
  const recovery = recoveryOf(registry);
  const runsOfServer = new RunsOfServer();
  const limits = new ServerLimitsSource(options.env, log);
  const checkpoints = openCheckpoints(options, closing, { database, stores, registry, limits });
  const clients = openDesks(options, database, registry);
  const watched = { database, registry, outbox, clock, log };
  const watch = new LateWatch({
    ...watched,
    connections: new ConnectionStore(database),
    recoverDead: () => {
      recovery.recoverDead();
      checkpoints.finishOpen();
    },
    giveUp: (run) => runsOfServer.giveUp(run),
    onWritten: () => clients.desk.lookAtOthers(),
  });
  const broadcaster = new Broadcaster(outbox, clock, ids, log, watch);
  closing.add(() => broadcaster.close());
  const slots = new RunSlots(() => slotsOf(limits, options.isShared === true));
  const parts = { ...options, ...stores, outbox, closing, database };
  const forgetter = forgetInSteps({ ...parts, limits, broadcaster, kept: checkpoints });
  const owed = new OwedWrites(database, clock, log);
  closing.add(() => owed.close());
  return {
    serverId,
    database,
    checkpointer,
    stores,
    outbox,
    commits,
    runsOfServer,
    registry,
    recovery,
    left,
    onWaiting,
    checkpoints,
    broadcaster,
    clients,
    owed,
    limits,
    slots,
    forgetter,
  };
}

/** What asks the clients; other servers put its questions to them too. */
function openDesks(
  { clock, log, isShared }: ServerOptions,
  database: Database,
  registry: ServerRegistry,
): ClientDesks {
  const book = new QuestionStore(database, registry);
  return clientDesks({ clock, log, book, ...defined({ isShared }) });
}

/** How many turns run at once; a daemon has a limit unless it is told another. */
function slotsOf(limits: ServerLimitsSource, isShared: boolean): ReturnType<typeof limitOf> {
  const told = limitOf(limits, "concurrentRuns");
  if (!isShared) return told;
  return told instanceof Promise
    ? told.then((most) => most ?? runsOfDaemon)
    : (told ?? runsOfDaemon);
}
