// `turnwire serve` (protocol.md sections 1 and 11): one client over stdio, from its first byte to the
// process's end.
import type { Readable, Writable } from "node:stream";
import { type Clock, sleep } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { Deferred } from "../base/deferred.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { ResolvePath } from "../base/startFolder.js";
import { composeServer, type Server } from "../compose.js";
import { lazyEngine, preloadEngine } from "../engine/lazyEngine.js";
import { ProcessHost } from "../process/processHost.js";
import type { RunCause } from "../protocol/objects/run.js";
import { defaultDataDirectory, noDataDirectory } from "../storage/dataDirectory.js";
import { openChannel } from "../transport/channel.js";
import type { LogSink } from "../transport/logSink.js";
import { lastResort, uncaughtExitCode } from "./lastResort.js";
import type { ServeOptions } from "./serveOptions.js";
import { openServerLog } from "./serverLog.js";

/** How long the end of the server waits for a client to read its bytes, in milliseconds. */
const flushMs = 1000;
/**
 * How long cancelled turns may take to end, in milliseconds. After that the process ends, and the
 * next server reports the run as interrupted; a process that hangs forever would be worse.
 */
const graceMs = 30_000;
/** How often the parent process is looked at, in milliseconds. */
const parentPollMs = 1000;

/** What a server needs of its process. */
export interface ServeIo {
  readonly input: Readable;
  readonly output: Writable;
  readonly logSink: LogSink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Resolves a path that was given on the command line, or by the client. */
  readonly resolvePath: ResolvePath;
  readonly version: string;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Whether it is process 1, which becomes the parent of orphaned processes. */
  readonly isFirstProcess: boolean;
  /** This process's number. */
  readonly processId: number;
  /** The namespace of its number; undefined if that is unknown. */
  readonly processNamespace: string | undefined;
  /** A text for the life of a process; undefined if the process cannot be seen or has ended. */
  lifeOf(processId: number): string | undefined;
  /** Calls back at the first SIGTERM or SIGINT. */
  onTerminate(callback: () => void): void;
  /** Calls back with every uncaught exception and unhandled rejection. */
  onUncaught(callback: (error: unknown) => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Why a server ends, and with which exit code. */
interface Ending {
  readonly cause: RunCause;
  readonly exitCode: number;
  /** Whether the client is gone. */
  readonly hasClientLeft: boolean;
}

/** Serves one client; resolves with the exit code once every turn has ended and is on disk. */
export async function serve(options: ServeOptions, io: ServeIo): Promise<number> {
  const { clock, ids, env } = io;
  const log = openServerLog(options, io.logSink);
  const ending = new Deferred<Ending>();
  let wasUncaught = false;
  io.onUncaught(
    lastResort({
      clock,
      ids,
      log: log.log,
      exit: (code) => io.exit(code),
      end() {
        wasUncaught = true;
        ending.resolve({ cause: "internal", exitCode: uncaughtExitCode, hasClientLeft: false });
      },
    }),
  );
  warnOfZombies(io, log.log);
  const host = new ProcessHost({ clock, ids, log: log.log });
  let server: Server;
  try {
    const dataDirectory = dataDirectoryOf(options, io);
    server = composeServer({
      dataDirectory,
      env,
      clock,
      ids,
      log: log.log,
      resolvePath: io.resolvePath,
      description: {
        name: "turnwire",
        version: io.version,
        maxMessageBytes: options.maxMessageBytes,
      },
      lingerMs: options.lingerSeconds * 1000,
      ownProcess: {
        version: io.version,
        processId: io.processId,
        place: io.processNamespace,
        lifeOf: io.lifeOf,
      },
      createEngine: (workspace) =>
        lazyEngine(workspace, { ...io, log: log.log, host, dataDirectory }),
      watchParent: (processId) => watchParent(processId, io, log.log, ending),
      preloadEngine: () => preloadEngine(clock, log.log),
      relays: () => lazyRelays(env, log.log),
    });
  } catch (error) {
    log.log.error({ reason: messageOf(error) }, "the server could not start");
    io.logSink.write(`turnwire: ${messageOf(error)}\n`);
    await log.close();
    return 1;
  }
  const { hasEnded, exitCode } = await serveClient(server, ending, { options, io, log: log.log });
  if (hasEnded) await closeServer(server, host, log.log);
  else log.log.error({}, "a turn did not end; its run is left as interrupted");
  await log.close();
  return wasUncaught ? uncaughtExitCode : exitCode;
}

/** Serves the one client until something ends the server; then ends the running turns. */
async function serveClient(
  server: Server,
  ending: Deferred<Ending>,
  { options, io, log }: { options: ServeOptions; io: ServeIo; log: Log },
): Promise<{ hasEnded: boolean; exitCode: number }> {
  const { clock } = io;
  const channel = openChannel({
    input: io.input,
    output: io.output,
    framing: options.framing,
    log,
    maxMessageBytes: options.maxMessageBytes,
  });
  let wasShutDown = false;
  const connection = server.connect(channel, () => {
    wasShutDown = true;
  });
  void connection.exitAsked.then(() =>
    ending.resolve({ cause: "shutdown", exitCode: wasShutDown ? 0 : 1, hasClientLeft: true }),
  );
  void channel.closed.then((end) => {
    log.info({ end: end.kind }, "the client is gone");
    ending.resolve({ cause: "disconnect", exitCode: 0, hasClientLeft: true });
  });
  io.onTerminate(() => ending.resolve({ cause: "shutdown", exitCode: 0, hasClientLeft: false }));
  const { cause, exitCode, hasClientLeft } = await ending.promise;
  connection.refuseRequests();
  // The client may be connected again, to another server, while its turns go on here.
  if (hasClientLeft) connection.leave();
  const hasEnded = await Promise.race([
    server.end(cause).then(() => true),
    sleep(clock, options.lingerSeconds * 1000 + graceMs).then(() => false),
  ]);
  connection.close();
  await Promise.race([channel.flushed(), sleep(clock, flushMs)]);
  channel.dispose();
  return { hasEnded, exitCode };
}

function warnOfZombies({ isFirstProcess }: ServeIo, log: Log): void {
  if (!isFirstProcess) return;
  log.warn({}, "this server is process 1, which leaves zombies; see `--init` of containers");
}

async function lazyRelays(env: ServeIo["env"], log: Log) {
  const { configuredRelays } = await import("../relays.js");
  return configuredRelays(env, log);
}

/**
 * @throws DomainError `StorageFailed` if none is named and there is no default.
 */
function dataDirectoryOf({ dataDir }: ServeOptions, { resolvePath, env }: ServeIo): string {
  // A path on the command line may be relative to the folder in which the server was started.
  const directory = dataDir === undefined ? defaultDataDirectory(env) : resolvePath(dataDir);
  if (directory === undefined) throw new DomainError("StorageFailed", noDataDirectory);
  return directory;
}

async function closeServer(server: Server, host: ProcessHost, log: Log): Promise<void> {
  const closing = new Closing();
  closing.add(() => host.close());
  closing.add(() => server.close());
  try {
    await closing.close();
  } catch (error) {
    log.error({ err: error }, "the server did not close cleanly");
  }
}

/**
 * Ends the server when the process that the client named is gone (protocol.md section 2). If the
 * process cannot be seen at the first look, it lives elsewhere: in another container or on another
 * machine. Then only the end of the input tells that the client is gone.
 */
function watchParent(processId: number, io: ServeIo, log: Log, ending: Deferred<Ending>): void {
  const life = io.lifeOf(processId);
  if (life === undefined) {
    log.warn({ processId }, "the client's process cannot be seen from here; it is not watched");
    return;
  }
  const look = () => {
    if (io.lifeOf(processId) !== life)
      ending.resolve({ cause: "disconnect", exitCode: 0, hasClientLeft: true });
    else io.clock.after(parentPollMs, look);
  };
  io.clock.after(parentPollMs, look);
}
