// `turnwire worker` (docs/fleet.md): runs prompts of a work queue.
import { join } from "node:path";
import type { JsMsg } from "@nats-io/jetstream";
import { waitAfter } from "../base/backOff.js";
import { sleep } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { redact } from "../base/redact.js";
import { untilAborted } from "../base/untilAborted.js";
import type { TurnwireClient } from "../client/TurnwireClient.js";
import { loadConfig } from "../config/load.js";
import { parseConfigFile } from "../config/parse.js";
import type { NatsRelay } from "../config/relaySettings.js";
import { resolveConfig } from "../config/resolve.js";
import type { ResolvedConfig } from "../config/types.js";
import type { WorkerSettings } from "../config/workerSettings.js";
import { openNats } from "../relay/openNats.js";
import { refusedEvent } from "../relay/refusedEvent.js";
import { Database } from "../storage/database.js";
import { databaseName, defaultDataDirectory, noDataDirectory } from "../storage/dataDirectory.js";
import { databasePlace, directoryIdentity } from "../storage/directoryIdentity.js";
import { RelayStore } from "../storage/relayStore.js";
import { Worker } from "../worker/worker.js";
import { WorkQueue } from "../worker/workQueue.js";
import { startInProcess } from "./inProcessServer.js";
import type { RelayCommandIo } from "./relayCommand.js";
import { exitCodes } from "./runOptions.js";
import { openServerLog } from "./serverLog.js";
import type { WorkerCommandOptions } from "./workerOptions.js";

/** How long it waits for NATS before each new try. */
const connecting = { firstMs: 500, mostMs: 10_000 };

/** A worker and the relay that carries its completions. */
interface Plan {
  readonly worker: WorkerSettings;
  readonly relayName: string;
  readonly relay: NatsRelay;
  readonly relays: ResolvedConfig["relays"];
}

/** Works until it is ended: at the first signal it takes nothing new, at the second it ends its turns. */
export async function workerCommand(
  options: WorkerCommandOptions,
  io: RelayCommandIo,
): Promise<number> {
  // Before anything begins: a signal that nobody listens for kills.
  const interrupts = new Interrupts(io);
  const log = openServerLog(options, io.logSink);
  const closing = new Closing();
  try {
    const plan = planOf(await configOf(options, io));
    const { dataDir } = options;
    const directory =
      dataDir === undefined ? defaultDataDirectory(io.env) : io.resolvePath(dataDir);
    if (directory === undefined) throw new DomainError("StorageFailed", noDataDirectory);
    await work(plan, directory, { io, log: log.log, closing, interrupts });
    return exitCodes.succeeded;
  } catch (error) {
    if (error === interrupts.first.reason) return exitCodes.succeeded;
    io.writeError(`turnwire: ${messageOf(error)}`);
    return error instanceof DomainError && error.name === "ConfigInvalid"
      ? exitCodes.usage
      : exitCodes.failed;
  } finally {
    await closing.close();
    await log.close();
  }
}

/** The signals that this process gets. */
class Interrupts {
  readonly #first = new AbortController();
  /** Resolves at the second one. */
  readonly second: Promise<void>;

  constructor({ onInterrupt }: Pick<RelayCommandIo, "onInterrupt">) {
    this.second = new Promise((resolve) => {
      onInterrupt(() => {
        if (this.first.aborted) resolve();
        this.#first.abort(new Error("the worker was ended"));
      });
    });
  }

  /** Aborted at the first one, with a reason that nothing else has. */
  get first(): AbortSignal {
    return this.#first.signal;
  }
}

/** What a worker's parts share. */
interface Context {
  readonly io: RelayCommandIo;
  readonly log: Log;
  readonly closing: Closing;
  readonly interrupts: Interrupts;
}

async function configOf(
  options: WorkerCommandOptions,
  { env, resolvePath }: RelayCommandIo,
): Promise<ResolvedConfig> {
  const { nats, completions, queue, consumer, workspace, permissionMode, maxConcurrent } = options;
  if (nats === undefined) return loadConfig({ workspacePath: undefined, trusted: false, env });
  const workspaces = (workspace ?? []).map(({ name, path }) => ({ name, path: resolvePath(path) }));
  const worker = defined({ stream: queue, consumer, permissionMode, maxConcurrent });
  const told = {
    relays: { worker: { type: "nats", url: nats, stream: completions } },
    worker: { ...worker, workspaces },
  };
  const user = parseConfigFile("the options of `turnwire worker`", JSON.stringify(told));
  return resolveConfig({ user, workspace: {}, trusted: false, env });
}

function planOf({ worker, relays, warnings }: ResolvedConfig): Plan {
  const missing = warnings.find((one) => one.startsWith("relays."));
  if (missing !== undefined) throw new DomainError("ConfigInvalid", missing);
  if (worker === undefined) {
    const fix = "add `worker` to the configuration, or name --nats and --workspace";
    throw new DomainError("ConfigInvalid", `No worker is configured: ${fix}.`);
  }
  const fitting = Object.entries(relays).filter(
    ([name, { type }]) => type === "nats" && (worker.relay === undefined || worker.relay === name),
  );
  const [found] = fitting;
  if (found === undefined || fitting.length > 1 || found[1].type !== "nats") {
    const fix = "`worker.relay` must name the relay of type `nats` that carries its completions";
    throw new DomainError("ConfigInvalid", `${fix}.`);
  }
  return { worker, relays, relayName: found[0], relay: found[1] };
}

async function work(
  { worker: settings, relays, relayName, relay }: Plan,
  dataDirectory: string,
  context: Context,
): Promise<void> {
  const { io, log, closing, interrupts } = context;
  const { clock } = io;
  const server = await startInProcess({
    ...io,
    log,
    dataDirectory,
    clientId: `worker:${settings.consumer}`,
    relays: async () => relays,
  });
  closing.add(() => server.close());
  const file = join(dataDirectory, databaseName);
  const database = Database.open(file);
  closing.add(() => database.close());
  const identity = directoryIdentity(database, databasePlace(file));
  const store = new RelayStore(database);
  const workspaces = await openWorkspaces(server.client, settings);
  const queue = await openQueue(relay, settings, context);
  const worker = new Worker({
    queue,
    client: server.client,
    workspaces,
    permissionMode: settings.permissionMode,
    maxConcurrent: settings.maxConcurrent,
    clock,
    log,
    cursor: () => store.find(relayName)?.cursor ?? 0,
    async refuse(message: JsMsg, { reason, runId }) {
      const { id, json } = refusedEvent({ message, reason, runId }, identity);
      await queue.publish(`${identity.machineId}.unknown.refused`, id, json);
    },
  });
  interrupts.first.addEventListener("abort", () => worker.stop(), { once: true });
  interrupts.first.throwIfAborted();
  log.info({ consumer: settings.consumer, stream: settings.stream }, "the worker takes prompts");
  await Promise.race([worker.run(), interrupts.second]);
}

/** Opens the folders; returns their ids by the names that messages use. */
async function openWorkspaces(
  client: TurnwireClient,
  { workspaces, permissionMode }: WorkerSettings,
): Promise<ReadonlyMap<string, string>> {
  const opened = new Map<string, string>();
  for (const { name, path } of workspaces) {
    const { id } = await client.request("createWorkspace", {
      path,
      permissionMode,
      initAgent: true,
    });
    opened.set(name, id);
  }
  return opened;
}

/** Tries until NATS lets it in. Rejects with the signal's reason when the worker is ended. */
async function openQueue(
  relay: NatsRelay,
  settings: WorkerSettings,
  { io: { clock }, log, closing, interrupts }: Context,
): Promise<WorkQueue> {
  const options = { ...settings, outcomes: relay };
  const queue = new WorkQueue(() => openNats(relay, { reconnect: true }), options);
  closing.add(() => queue.close());
  for (let failures = 1; ; failures++) {
    try {
      await untilAborted(queue.open(), interrupts.first);
      return queue;
    } catch (error) {
      interrupts.first.throwIfAborted();
      const reason = redact(messageOf(error), relay.secrets);
      log.warn({ reason }, "the work queue cannot be opened yet");
      await sleep(clock, waitAfter(failures, connecting), interrupts.first);
    }
  }
}
