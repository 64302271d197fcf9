// `turnwire relay` (docs/fleet.md): carries completions, and says what became of them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { ResolvePath } from "../base/startFolder.js";
import { composeServer } from "../compose.js";
import { parseConfigFile } from "../config/parse.js";
import type { RelaySettings } from "../config/relaySettings.js";
import { resolveConfig } from "../config/resolve.js";
import { configuredRelays } from "../relays.js";
import { Database } from "../storage/database.js";
import { databaseName, defaultDataDirectory, noDataDirectory } from "../storage/dataDirectory.js";
import { type OwnProcess, olderServers } from "../storage/knownServers.js";
import { takeRelayLock } from "../storage/relayLock.js";
import { relayReports } from "../storage/relayReport.js";
import { RelayStore } from "../storage/relayStore.js";
import type { LogSink } from "../transport/logSink.js";
import { placeChange, relayLine } from "./doctorRelays.js";
import { untilSent } from "./relayOnce.js";
import type { RelayCommandOptions, RelayRun } from "./relayOptions.js";
import { exitCodes } from "./runOptions.js";
import { openServerLog } from "./serverLog.js";

/** What the command needs of its process. */
export interface RelayCommandIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly ownProcess: OwnProcess;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logSink: LogSink;
  readonly resolvePath: ResolvePath;
  /** Each takes one line, without its end. */
  writeOut(line: string): void;
  writeError(line: string): void;
  /** Calls back at every interrupt; call what is returned to stop. */
  onInterrupt(callback: () => void): () => void;
}

/** Does what is asked for; resolves with the exit code. */
export async function relayCommand(
  options: RelayCommandOptions,
  io: RelayCommandIo,
): Promise<number> {
  try {
    const { dataDir } = options;
    const directory =
      dataDir === undefined ? defaultDataDirectory(io.env) : io.resolvePath(dataDir);
    if (directory === undefined) throw new DomainError("StorageFailed", noDataDirectory);
    switch (options.action) {
      case "run":
        return await run(options, directory, io);
      case "status":
        return status(options.json === true, directory, io);
      case "retry":
        return retry(options, directory, io);
      case "forget":
        return forget(options.name, directory, io);
    }
  } catch (error) {
    io.writeError(`turnwire: ${messageOf(error)}`);
    return exitCodes.failed;
  }
}

async function run(options: RelayRun, dataDirectory: string, io: RelayCommandIo): Promise<number> {
  const { clock, ids, env } = io;
  // Before anything begins: a signal that nobody listens for kills.
  const asked = new Promise<number>((resolve) => {
    // With `--once`, who goes on in the belief that all is sent would be wrong.
    io.onInterrupt(() => resolve(options.once ? exitCodes.cancelled : exitCodes.succeeded));
  });
  const log = openServerLog(options, io.logSink);
  const relays = placeOf(options, env) ?? named(options, await configuredRelays(env, log.log));
  if (Object.keys(relays).length === 0) {
    await log.close();
    io.writeError("turnwire: there is no relay: configure one, or name a place (--help)");
    return exitCodes.usage;
  }
  const { version } = io.ownProcess;
  const server = composeServer({
    dataDirectory,
    env,
    clock,
    ids,
    ownProcess: io.ownProcess,
    resolvePath: io.resolvePath,
    log: log.log,
    description: { name: "turnwire", version, maxMessageBytes: 0 },
    lingerMs: 0,
    createEngine() {
      throw new Error("a relay runs no turns");
    },
    relays: async () => relays,
  });
  const sent = options.once
    ? untilSent(Object.keys(relays), () => relayReports(dataDirectory), io)
    : undefined;
  try {
    return await Promise.race(sent === undefined ? [asked] : [asked, sent]);
  } finally {
    await server.close();
    await log.close();
  }
}

/** The place that the options name; undefined if they name none. */
function placeOf(
  options: RelayRun,
  env: RelayCommandIo["env"],
): Readonly<Record<string, RelaySettings>> | undefined {
  const { nats, postgres, http, stream, table, secret } = options;
  const url = nats ?? postgres ?? http;
  if (url === undefined) return undefined;
  const type = nats !== undefined ? "nats" : postgres !== undefined ? "postgres" : "http";
  const entry = defined({ type, url, stream, table, secret });
  const text = JSON.stringify({ relays: { [options.name ?? type]: entry } });
  const user = parseConfigFile("the options of `turnwire relay`", text);
  const { relays, warnings } = resolveConfig({ user, workspace: {}, trusted: false, env });
  const [missing] = warnings;
  if (missing !== undefined) throw new DomainError("ConfigInvalid", missing);
  return relays;
}

function named(
  { name }: RelayRun,
  relays: Readonly<Record<string, RelaySettings>>,
): Readonly<Record<string, RelaySettings>> {
  if (name === undefined) return relays;
  const relay = relays[name];
  return relay === undefined ? {} : { [name]: relay };
}

function status(asJson: boolean, dataDirectory: string, io: RelayCommandIo): number {
  const relays = relayReports(dataDirectory);
  if (asJson) {
    io.writeOut(JSON.stringify({ relays }));
    return exitCodes.succeeded;
  }
  if (relays.length === 0) io.writeOut("No relay has begun in this data directory.");
  for (const relay of relays) {
    io.writeOut(relayLine(relay));
    if (relay.isStopped) io.writeOut("  it was told to stop");
    if (relay.setAside > 0) io.writeOut(`  ${relay.setAside} set aside`);
    const change = placeChange(relay);
    if (change !== undefined) io.writeOut(`  ${change}`);
  }
  return exitCodes.succeeded;
}

function retry(
  { name, completionId }: Extract<RelayCommandOptions, { action: "retry" }>,
  dataDirectory: string,
  io: RelayCommandIo,
): number {
  const count = withRelays(dataDirectory, io, (store) => {
    if (store.find(name) === undefined) throw unknown(name);
    return store.ask(name, completionId);
  });
  if (completionId !== undefined && count === 0) {
    io.writeError(`turnwire: ${name} has not set ${completionId} aside`);
    return exitCodes.failed;
  }
  io.writeOut(`${count} to be sent again`);
  return exitCodes.succeeded;
}

function forget(name: string, dataDirectory: string, io: RelayCommandIo): number {
  const lock = takeRelayLock(dataDirectory, name);
  if (lock === undefined) {
    const fix = "end it, or take it out of the configuration and start the servers again";
    io.writeError(`turnwire: a process works as the relay ${name}: ${fix}`);
    return exitCodes.failed;
  }
  try {
    const isForgotten = withRelays(dataDirectory, io, (store) => store.forget(name));
    if (!isForgotten) throw unknown(name);
  } finally {
    lock.release();
  }
  io.writeOut(`${name} is forgotten`);
  return exitCodes.succeeded;
}

function unknown(name: string): Error {
  return new Error(`there is no relay ${JSON.stringify(name)} in this data directory`);
}

function withRelays<T>(
  dataDirectory: string,
  { ownProcess }: RelayCommandIo,
  work: (store: RelayStore) => T,
): T {
  const file = join(dataDirectory, databaseName);
  if (!existsSync(file)) throw new DomainError("StorageFailed", `There is no database at ${file}.`);
  const database = Database.open(file, {
    olderServers: (opened, steps) => olderServers(opened, dataDirectory, ownProcess, steps),
  });
  try {
    const store = new RelayStore(database);
    if (!store.isKept) throw new DomainError("StorageFailed", "An older version uses the data.");
    return work(store);
  } finally {
    database.close();
  }
}
