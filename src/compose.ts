// Builds a server, in order, and closes it in the reverse order.
import { join } from "node:path";
import { Backend } from "./backend/backend.js";
import { CheckpointUseCases } from "./backend/checkpointUseCases.js";
import { RunUseCases } from "./backend/runUseCases.js";
import { SessionUseCases } from "./backend/sessionUseCases.js";
import { WorkspaceFactory } from "./backend/workspaceFactory.js";
import { WorkspaceRegistry } from "./backend/workspaceRegistry.js";
import { sleep } from "./base/clock.js";
import { Closing } from "./base/closing.js";
import { defined } from "./base/defined.js";
import { messageOf } from "./base/errors.js";
import { loopTurn } from "./base/loopTurn.js";
import { type House, openHouse } from "./openHouse.js";
import type { RunCause } from "./protocol/objects/run.js";
import { relaysOf } from "./relayStart.js";
import type { DaemonControl } from "./rpc/connectionHandlers.js";
import {
  type ConnectionChannel,
  type ServedConnection,
  serveConnection,
} from "./rpc/serverConnection.js";
import { openAdopter, recoverer } from "./serverAdopter.js";
import type { ServerOptions } from "./serverOptions.js";
import { databaseName } from "./storage/dataDirectory.js";
import { withFileNamed } from "./storage/storageError.js";
import { WorkspaceStore } from "./storage/workspaceStore.js";

/** How long the end of a server waits for a client to read its completions, in milliseconds. */
const drainMs = 2000;

/** While a client is served, no write waits longer for another program's, in milliseconds. */
const briefMs = 20;

/** What the owner of a connection does for it. */
export interface ClientHooks {
  /** The client asks for the end. */
  onShutdown?(): void;
  /** Watches the process that `initialize.processId` names. */
  watchParent(processId: number): void;
  /** The daemon that the server is, if it is one. */
  readonly daemon?: DaemonControl;
}

/** A server without its transport. */
export interface Server {
  /** Serves one client. */
  connect(channel: ConnectionChannel, client: ClientHooks): ServedConnection;
  /** Whether a run is open. */
  readonly isBusy: boolean;
  /** Whether a relay that works here has completions to carry. */
  readonly isRelaying: boolean;
  /** How many workspaces are open. */
  readonly openWorkspaces: number;
  /** The completions, and the connections that get them. */
  readonly completions: Pick<House, "outbox" | "broadcaster">;
  /** From now on goes on with no more runs that lose their servers. */
  takeNoMore(): void;
  /** Resolves once no run is open any more. */
  whenIdle(): Promise<void>;
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
  const { broadcaster } = house;
  const relays = relaysOf({ ...options, ...house, closing });
  const { backend, adopter } = composeBackend(options, house, closing);
  giveMemoryBack(options, house, backend, closing);
  const end = async (cause: RunCause) => {
    await backend.end(cause);
    await Promise.race([broadcaster.drained(), sleep(clock, drainMs)]);
  };
  closing.add(async () => void (await backend.end("shutdown")));
  house.database.waitBriefly(briefMs);
  return {
    connect: (channel, client) =>
      serveConnection({
        channel,
        ...defined({ daemon: client.daemon }),
        backend,
        hub: broadcaster,
        ...house.clients,
        description,
        ids,
        log,
        now: () => clock.now(),
        isShared,
        shutdown: async () => {
          client.onShutdown?.();
          return isShared ? [] : backend.end("shutdown");
        },
        patience: () => sleep(clock, drainMs),
        rest: (ms, signal) => sleep(clock, ms, signal),
        watchParent: (processId) => client.watchParent(processId),
        onGreeted: () => {
          options.preloadEngine?.();
          relays.begin();
        },
      }),
    get isBusy() {
      return backend.isBusy;
    },
    get isRelaying() {
      return relays.isBehind;
    },
    get openWorkspaces() {
      return backend.openWorkspaces;
    },
    completions: house,
    takeNoMore: () => adopter.takeNoMore(),
    whenIdle: () => backend.whenIdle(),
    end,
    close: () => closing.close(),
  };
}

/** Whenever nothing has been written for a moment, the server may have nothing to do. */
function giveMemoryBack(
  { clock, log }: ServerOptions,
  { checkpointer }: House,
  backend: Backend,
  closing: Closing,
): void {
  let loaded: Promise<{ afterWork(): void; close(): void }> | undefined;
  checkpointer.onQuiet(() => {
    if (backend.isBusy) return;
    loaded ??= import("./process/idleMemory.js").then(
      ({ IdleMemory }) => new IdleMemory({ clock, log, isBusy: () => backend.isBusy }),
    );
    loaded.then(
      (memory) => memory.afterWork(),
      (error: unknown) => log.warn({ reason: messageOf(error) }, "memory is not given back"),
    );
  });
  closing.add(() =>
    loaded?.then(
      (memory) => memory.close(),
      () => undefined,
    ),
  );
}

/** The use cases over the shared parts. */
function composeBackend(options: ServerOptions, house: House, closing: Closing) {
  const { clock, ids, log } = options;
  const { serverId, database, stores, outbox, runsOfServer, recovery, slots } = house;
  const { broadcaster: announcer, checkpoints: kept } = house;
  const shared = {
    serverId,
    database,
    ...stores,
    outbox,
    runsOfServer,
    slots,
    loopTurn,
    announcer,
    clock,
    ids,
    log,
    recoverIfDead: recoverer(recovery, kept),
    ...house.clients,
  };
  const workspacePaths = new WorkspaceStore(database);
  const workspaces = new WorkspaceRegistry({
    store: workspacePaths,
    goingOn: stores.goingOn,
    factory: new WorkspaceFactory({
      coordination: {
        ...shared,
        ...defined({ commands: options.commands }),
        commits: house.commits,
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
  const { resumes } = options;
  const adopter = openAdopter({ ...shared, workspaces, kept, house, closing, resumes });
  const { forgetter } = house;
  const sessions = new SessionUseCases({ ...shared, kept, workspaces, workspacePaths, forgetter });
  const backend = new Backend({
    workspaces,
    sessions,
    checkpoints: new CheckpointUseCases({ ...shared, kept, workspaces, sessions }),
    runs: new RunUseCases({ ...shared, workspaces, workspacePaths, completions: outbox }),
    completions: outbox,
    onOpened: () => adopter.wake(),
    clock,
    lingerMs: options.lingerMs,
  });
  return { backend, adopter };
}
