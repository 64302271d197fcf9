// The server's log: pino writes to stderr, without waiting for its reader, or to a file. Pino is
// loaded with the first line that must be written, so that the start is fast.
import type { Logger } from "pino";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { LogSink } from "../transport/logSink.js";
import type { LineTarget } from "./lineTarget.js";

/** An open log. */
export interface ServerLog {
  readonly log: Log;
  /** Resolves once everything was written, or after a second. */
  close(): Promise<void>;
  /** Opens its file again, if it has one: somebody may have moved it. */
  reopen(): void;
}

type Level = keyof Log;

/** Levels from the least to the most important; `silent` is above all. */
const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** The options of the command line that are about the log. */
interface LogOptions {
  readonly logLevel: string;
  readonly logFile?: string;
}

/** Opens the log according to the options. */
export function openServerLog(options: LogOptions, sink: LogSink): ServerLog {
  const log = new LateLog(options, sink);
  return { log, close: () => within(log.written()), reopen: () => log.reopen() };
}

/** Keeps log records, in order and with their time, until pino is loaded. */
class LateLog implements Log {
  readonly #level: string;
  readonly #file: string | undefined;
  readonly #sink: LogSink;
  #target: LineTarget;
  #waiting: { level: Level; fields: object; message: string }[] = [];
  #logger: Logger | undefined;
  #loading: Promise<void> | undefined;

  constructor({ logLevel, logFile }: LogOptions, sink: LogSink) {
    this.#level = logLevel;
    this.#file = logFile;
    this.#sink = sink;
    this.#target = sink;
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

  reopen(): void {
    this.#target.reopen?.();
  }

  /** Resolves once all records were written. */
  async written(): Promise<void> {
    await this.#loading;
    await this.#target.flushed();
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
    const { secretFields } = await import("../base/secretFields.js");
    if (this.#file !== undefined) {
      const { LogFile } = await import("./logFile.js");
      this.#target = new LogFile(this.#file, this.#sink);
    }
    const settings = {
      level: this.#level,
      base: null,
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    };
    const target = { write: (line: string) => this.#target.write(line) };
    // Records that waited have their own time.
    const late = pino({ ...settings, timestamp: false }, target);
    for (const { level, fields, message } of this.#waiting.splice(0)) late[level](fields, message);
    this.#logger = pino({ ...settings, timestamp: pino.stdTimeFunctions.isoTime }, target);
  }
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
