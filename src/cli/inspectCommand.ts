// `turnwire inspect` in a process (docs/inspecting.md).
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../base/clock.js";
import { Deferred } from "../base/deferred.js";
import { defined } from "../base/defined.js";
import { DomainError } from "../base/errors.js";
import type { ResolvePath } from "../base/startFolder.js";
import { userConfigPaths } from "../config/paths.js";
import { inspectFolder } from "../inspector/liveNote.js";
import { secretsAround } from "../inspector/secretsAround.js";
import { tee } from "../inspector/tee.js";
import { ThreadFeed } from "../inspector/threadFeed.js";
import type { ThreadSettings } from "../inspector/threadMessages.js";
import { databaseName, defaultDataDirectory, noDataDirectory } from "../storage/dataDirectory.js";
import type { InspectOptions } from "./inspectOptions.js";
import { exitCodes } from "./runOptions.js";

/** What the command needs of its process. */
export interface InspectIo {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly resolvePath: ResolvePath;
  /** Whether stdin or stderr is a terminal. */
  readonly hasTerminal: boolean;
  onSignal(callback: (signal: NodeJS.Signals) => void): () => void;
  /** Takes one line, without its end. */
  writeError(line: string): void;
  /** Ends the process as this signal ends programs. Returns where the system cannot do that. */
  endBy(signal: NodeJS.Signals): Promise<void>;
}

const megabyte = 1024 * 1024;

/** Does what is asked for; resolves with the exit code. */
export async function inspectCommand(options: InspectOptions, io: InspectIo): Promise<number> {
  const { command } = options;
  /** A page of a program that cannot be started has nothing to show: its link is not told. */
  const started = new Deferred<void>();
  const feed = new ThreadFeed({
    program: new URL("../inspector.mjs", import.meta.url),
    settings: settingsOf(options, io),
    now: () => io.clock.now(),
    onTrouble: (text) => io.writeError(`turnwire inspect: ${text}`),
    onLink: (link) =>
      void started.promise.then(() => io.writeError(`turnwire inspect: open ${link}`)),
  });
  if (command !== undefined) return standBetween(command, feed, io, () => started.resolve());
  started.resolve();
  return show(feed, io);
}

/** Shows what the thread has, until a signal ends it. */
async function show(feed: ThreadFeed, io: InspectIo): Promise<number> {
  feed.hold();
  const asked = new Promise<undefined>((resolve) => {
    io.onSignal(() => resolve(undefined));
  });
  const failure = await Promise.race([asked, feed.failed]);
  await feed.stop();
  if (failure === undefined) return exitCodes.succeeded;
  io.writeError(`turnwire inspect: ${failure}`);
  return exitCodes.failed;
}

async function standBetween(
  command: readonly [string, ...string[]],
  feed: ThreadFeed,
  io: InspectIo,
  onStart: () => void,
): Promise<number> {
  // Without a page the pipe is still what counts.
  void feed.failed.then((reason) => io.writeError(`turnwire inspect: ${reason}`));
  const outcome = await tee(command, io, feed, (pid) => {
    onStart();
    feed.start(command, pid);
  });
  if (outcome.kind === "failed") {
    io.writeError(`turnwire inspect: ${outcome.reason}`);
    await feed.end(outcome.exitCode, undefined);
    return outcome.exitCode;
  }
  const { code, signal } = outcome;
  await feed.end(code, signal);
  if (signal === undefined) return code ?? exitCodes.failed;
  await io.endBy(signal);
  return exitCodes.failed;
}

/** @throws DomainError `StorageFailed` if no data directory is named and there is no default. */
function liveOf({ dataDir }: InspectOptions, io: InspectIo): ThreadSettings["live"] {
  const directory = dataDir === undefined ? defaultDataDirectory(io.env) : io.resolvePath(dataDir);
  if (directory === undefined) throw new DomainError("StorageFailed", noDataDirectory);
  return { folder: join(directory, inspectFolder), database: join(directory, databaseName) };
}

function settingsOf(options: InspectOptions, io: InspectIo): ThreadSettings {
  const { record, format, recordLimit, hideContents, file, page, port, command } = options;
  const isLive = command === undefined && file === undefined;
  const built = (name: string) => new URL(`../${name}`, import.meta.url).href;
  return {
    protocolLibrary: built("protocol.js"),
    secrets: secretsAround(io.env, userConfigPaths(io.env).files),
    hidesContents: hideContents === true,
    ...defined({
      live: isLive ? liveOf(options, io) : undefined,
      file: file === undefined ? undefined : io.resolvePath(file),
      page: page
        ? { port, script: built("inspectorPage.js"), style: built("inspectorPage.css") }
        : undefined,
      record:
        record === undefined
          ? undefined
          : { path: io.resolvePath(record), format, mostBytes: recordLimit * megabyte },
    }),
  };
}
