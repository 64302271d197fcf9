// A server in its process (protocol.md section 1): its log, its data directory, its children, and how
// all of it is closed. Whom it serves is its caller's business.
import { type Clock, sleep } from "../base/clock.js";
import { Closing } from "../base/closing.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { DomainError, messageOf } from "../base/errors.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import { absoluteOnly, type ResolvePath } from "../base/startFolder.js";
import { composeServer, type Server } from "../compose.js";
import { loadTurns } from "../coordinator/lazyTurns.js";
import { preloadEngine } from "../engine/lazyEngine.js";
import { engineOf } from "../engineOf.js";
import { ProcessHost } from "../process/processHost.js";
import type { RunCause } from "../protocol/objects/run.js";
import { defaultDataDirectory, noDataDirectory } from "../storage/dataDirectory.js";
import type { OpenTelemetry, TelemetryOptions } from "../telemetry/openTelemetry.js";
import type { ChannelWatch } from "../transport/channelWatch.js";
import type { LogSink } from "../transport/logSink.js";
import { inspectable } from "./inspectable.js";
import { lastResort, uncaughtExitCode } from "./lastResort.js";
import type { ServeOptions } from "./serveOptions.js";
import { openServerLog } from "./serverLog.js";

/**
 * How long cancelled turns may take to end, in milliseconds. After that the process ends, and the
 * next server reports the run as interrupted; a process that hangs forever would be worse.
 */
const graceMs = 30_000;
/** How often the parent process is looked at, in milliseconds. */
const parentPollMs = 1000;

/** What a server needs of its process. */
export interface ServerIo {
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
  /** Calls back when somebody wants to look into the server. */
  onInspect(callback: () => void): void;
  /** Calls back with every uncaught exception and unhandled rejection. */
  onUncaught(callback: (error: unknown) => void): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Why a server ends, and with which exit code. */
export interface Ending {
  readonly cause: RunCause;
  readonly exitCode: number;
  /** Whether the client is gone. */
  readonly hasClientLeft: boolean;
}

/** The part of the options of `serve` that every server has. */
export type OwnServerOptions = Pick<
  ServeOptions,
  "dataDir" | "logLevel" | "logFile" | "lingerSeconds" | "maxMessageBytes" | "inspect" | "resume"
>;

/** An open server. */
export interface OpenServer {
  readonly server: Server;
  readonly log: Log;
  /** Opens the log's file again, if it has one. */
  reopenLog(): void;
  readonly dataDirectory: string;
  /** The place for whoever looks into the channels of the server. */
  readonly watched: ChannelWatch["at"];
  /** Whoever wants the server to end resolves it; the first one counts. */
  readonly ending: Deferred<Ending>;
  /** Ends every turn; false where one did not end in time. */
  endTurns(cause: RunCause): Promise<boolean>;
  /** Closes everything, and gives the exit code of the process. */
  close(hasEnded: boolean, exitCode: number): Promise<number>;
}

/** Opens a server; undefined where it could not start, which is told. */
export async function openServer(
  options: OwnServerOptions,
  io: ServerIo,
  { isShared }: { readonly isShared: boolean },
): Promise<OpenServer | undefined> {
  const { clock, ids } = io;
  const { log, close: closeLog, reopen: reopenLog } = openServerLog(options, io.logSink);
  const ending = new Deferred<Ending>();
  let wasUncaught = false;
  io.onUncaught(
    lastResort({
      clock,
      ids,
      log,
      exit: (code) => io.exit(code),
      end() {
        wasUncaught = true;
        ending.resolve({ cause: "internal", exitCode: uncaughtExitCode, hasClientLeft: false });
      },
    }),
  );
  warnOfZombies(io, log);
  const host = new ProcessHost({ clock, ids, log });
  const telemetry = isTelemetryAsked(io.env) ? await lazyTelemetry({ ...io, log }) : undefined;
  try {
    const dataDirectory = dataDirectoryOf(options, io);
    const server = serverOver(dataDirectory, isShared, options, { ...io, log, host, telemetry });
    const inspected = inspectable({ server, dataDirectory, log }, options, io);
    await inspected.ready;
    return {
      server,
      log,
      reopenLog,
      dataDirectory,
      watched: inspected.watched,
      ending,
      endTurns: (cause) =>
        Promise.race([
          server.end(cause).then(() => true),
          sleep(clock, options.lingerSeconds * 1000 + graceMs).then(() => false),
        ]),
      async close(hasEnded, exitCode) {
        await inspected.close();
        if (hasEnded) await closeServer(server, host, log);
        else log.error({}, "a turn did not end; its run is left as interrupted");
        await telemetry?.close();
        await closeLog();
        return wasUncaught ? uncaughtExitCode : exitCode;
      },
    };
  } catch (error) {
    log.error({ reason: messageOf(error) }, "the server could not start");
    io.logSink.write(`turnwire: ${messageOf(error)}\n`);
    await telemetry?.close();
    await closeLog();
    return undefined;
  }
}

function warnOfZombies({ isFirstProcess }: ServerIo, log: Log): void {
  if (!isFirstProcess) return;
  log.warn({}, "this server is process 1, which leaves zombies; see `--init` of containers");
}

/** Whether somebody may want to be told of the work; the code for it reads the rest of the variables. */
function isTelemetryAsked(env: ServerIo["env"]): boolean {
  return (
    env.OTEL_SDK_DISABLED !== "true" &&
    (["", "TRACES_", "METRICS_"].some((signal) => env[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]) ||
      ["TRACES", "METRICS"].some((signal) => env[`OTEL_${signal}_EXPORTER`]?.includes("otlp")) ||
      Symbol.for("opentelemetry.js.api.1") in globalThis)
  );
}

async function lazyTelemetry(options: TelemetryOptions) {
  const { openTelemetry } = await import("../telemetry/openTelemetry.js");
  return openTelemetry(options);
}

async function lazyRelays(env: ServerIo["env"], log: Log) {
  const { configuredRelays } = await import("../relays.js");
  return configuredRelays(env, log);
}

/** @throws DomainError `StorageFailed` if the directory or its database cannot be used. */
function serverOver(
  dataDirectory: string,
  isShared: boolean,
  options: OwnServerOptions,
  io: ServerIo & {
    readonly log: Log;
    readonly host: ProcessHost;
    readonly telemetry: OpenTelemetry | undefined;
  },
): Server {
  const { clock, ids, env, log, version } = io;
  return composeServer({
    dataDirectory,
    env,
    clock,
    ids,
    log,
    isShared,
    ...defined({ resumes: resumesOf(isShared, options) }),
    resolvePath: isShared ? absoluteOnly : io.resolvePath,
    description: { name: "turnwire", version, maxMessageBytes: options.maxMessageBytes },
    lingerMs: options.lingerSeconds * 1000,
    ownProcess: {
      version,
      processId: io.processId,
      place: io.processNamespace,
      lifeOf: io.lifeOf,
    },
    createEngine: (workspace) => engineOf(workspace, { ...io, dataDirectory }),
    commands: io.host.commandMarks(io.processNamespace),
    preloadEngine: () => preloadEngine(clock, log, loadTurns),
    relays: () => lazyRelays(env, log),
    telemetry: io.telemetry,
  });
}

/** A daemon resumes always, since its clients come and go. */
function resumesOf(isShared: boolean, { resume }: OwnServerOptions) {
  if (isShared) return "toClose";
  return resume === true ? "toStay" : undefined;
}

/**
 * @throws DomainError `StorageFailed` if none is named and there is no default.
 */
export function dataDirectoryOf(
  { dataDir }: { readonly dataDir?: string },
  { resolvePath, env }: Pick<ServerIo, "resolvePath" | "env">,
): string {
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
 * Calls back when the process that a client named is gone (protocol.md section 2). If the process
 * cannot be seen at the first look, it lives elsewhere: in another container or on another machine.
 * Then only the end of the input tells that the client is gone. Call the returned function to stop.
 */
export function watchProcess(
  processId: number,
  { lifeOf, clock }: Pick<ServerIo, "lifeOf" | "clock">,
  log: Log,
  onGone: () => void,
): () => void {
  const life = lifeOf(processId);
  if (life === undefined) {
    log.warn({ processId }, "the client's process cannot be seen from here; it is not watched");
    return () => {};
  }
  const look = () => {
    if (lifeOf(processId) !== life) onGone();
    else timer = clock.after(parentPollMs, look);
  };
  let timer = clock.after(parentPollMs, look);
  return () => timer.cancel();
}
