// `turnwire inspect` in a process (docs/inspecting.md).
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../base/clock.js";
import { defined } from "../base/defined.js";
import type { ResolvePath } from "../base/startFolder.js";
import { userConfigPaths } from "../config/paths.js";
import { secretsAround } from "../inspector/secretsAround.js";
import { tee } from "../inspector/tee.js";
import { ThreadFeed } from "../inspector/threadFeed.js";
import type { ThreadSettings } from "../inspector/threadMessages.js";
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
  if (command === undefined) return exitCodes.usage;
  const feed = new ThreadFeed({
    program: new URL("../inspector.mjs", import.meta.url),
    settings: settingsOf(options, io),
    now: () => io.clock.now(),
    onTrouble: (text) => io.writeError(`turnwire inspect: ${text}`),
  });
  const outcome = await tee(command, io, feed, (pid) => feed.start(command, pid));
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

function settingsOf(options: InspectOptions, io: InspectIo): ThreadSettings {
  const { record, format, recordLimit, hideContents } = options;
  const file = record && {
    path: io.resolvePath(record),
    format,
    mostBytes: recordLimit * megabyte,
  };
  return {
    protocolLibrary: new URL("../protocol.js", import.meta.url).href,
    secrets: secretsAround(io.env, userConfigPaths(io.env).files),
    hidesContents: hideContents === true,
    ...defined({ record: file || undefined }),
  };
}
