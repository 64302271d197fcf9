// The server's log: pino writes to stderr, without waiting for its reader, or to a file. Pino is
// loaded with the first line that must be written, so that the start is fast.
import { createWriteStream } from "node:fs";
import type { Logger } from "pino";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { LogSink } from "../transport/logSink.js";

/** An open log. */
export interface ServerLog {
  readonly log: Log;
  /** Resolves once everything was written, or after a second. */
  close(): Promise<void>;
}

/** Where lines go, and how to wait until they are written. */
interface LineTarget {
  write(line: string): void;
  flushed(): Promise<void>;
}

type Level = keyof Log;

/** Levels from the least to the most important; `silent` is above all. */
const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];
/** Fields that never reach a log, at any depth. */
const redacted = ["apiKey", "*.apiKey", "headers", "*.headers", "env", "*.env"];

/** Opens the log according to the options. */
export function openServerLog(
  options: { readonly logLevel: string; readonly logFile?: string },
  sink: LogSink,
): ServerLog {
  const target =
    options.logFile === undefined
      ? { write: (line: string) => sink.write(line), flushed: () => sink.flushed() }
      : openFile(options.logFile, sink);
  const log = new LateLog(options.logLevel, target);
  return { log, close: () => within(log.settled().then(() => target.flushed())) };
}

/** Keeps log records, in order and with their time, until pino is loaded. */
class LateLog implements Log {
  readonly #level: string;
  readonly #target: LineTarget;
  #waiting: { level: Level; fields: object; message: string }[] = [];
  #logger: Logger | undefined;
  #loading: Promise<void> | undefined;

  constructor(level: string, target: LineTarget) {
    this.#level = level;
    this.#target = target;
  }

  debug(fields: object, message: string): void {
    this.#write("debug", fields, message);
  }

  info(fields: object, message: string): void {
    this.#write("info", fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write("warn", fields, message);
  }

  error(fields: object, message: string): void {
    this.#write("error", fields, message);
  }

  /** Resolves once all records were passed on. */
  async settled(): Promise<void> {
    await this.#loading;
  }

  #write(level: Level, fields: object, message: string): void {
    if (levels.indexOf(level) < levels.indexOf(this.#level)) return;
    if (this.#logger !== undefined) {
      this.#logger[level](fields, message);
      return;
    }
    this.#waiting.push({ level, fields: { time: new Date().toISOString(), ...fields }, message });
    this.#loading ??= this.#load().catch((error: unknown) => {
      // The build is damaged. The fields are left out, because nothing can redact them.
      this.#target.write(`turnwire: no log: ${messageOf(error)}\n`);
      for (const { message } of this.#waiting) this.#target.write(`turnwire: ${message}\n`);
    });
  }

  async #load(): Promise<void> {
    const { default: pino } = await import("pino");
    const settings = {
      level: this.#level,
      base: null,
      redact: { paths: redacted, censor: "[redacted]" },
    };
    const target = { write: (line: string) => this.#target.write(line) };
    // Records that waited have their own time.
    const late = pino({ ...settings, timestamp: false }, target);
    for (const { level, fields, message } of this.#waiting.splice(0)) late[level](fields, message);
    this.#logger = pino({ ...settings, timestamp: pino.stdTimeFunctions.isoTime }, target);
  }
}

function openFile(path: string, sink: LogSink): LineTarget {
  const file = createWriteStream(path, { flags: "a", mode: 0o600 });
  // A log file that cannot be written must not end the server: from then on, lines go to stderr.
  let isBroken = false;
  file.on("error", (error) => {
    isBroken = true;
    sink.write(`turnwire: the log file failed: ${error.message}\n`);
  });
  const ended = () =>
    new Promise<void>((resolve) => {
      if (isBroken) resolve();
      else file.end(resolve);
    });
  return {
    write: (line) => {
      if (isBroken) sink.write(line);
      else file.write(line);
    },
    flushed: () => ended().then(() => sink.flushed()),
  };
}

function within(work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000);
    void work.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
