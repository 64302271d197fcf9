import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { ConfigSource } from "./source.js";
import type { ServerLimits } from "./types.js";
import type { Environment } from "./variables.js";

/** The limits of the server, as they are in the user's own file now (protocol.md section 10). */
export class ServerLimitsSource {
  readonly #source: ConfigSource;
  readonly #log: Log;
  #last: ServerLimits = {};
  #isTold = false;

  /** `env` is the server's own environment, which names the user's file. */
  constructor(env: Environment, log: Log) {
    this.#source = new ConfigSource({ workspacePath: undefined, trusted: false, env });
    this.#log = log;
  }

  /**
   * At once, where the file is as it was read. Where it is wrong, what it said before holds. Never
   * throws, never rejects.
   */
  current(): ServerLimits | Promise<ServerLimits> {
    return this.#source.unchanged()?.serverLimits ?? this.#read();
  }

  async #read(): Promise<ServerLimits> {
    try {
      this.#last = (await this.#source.current()).serverLimits;
      this.#isTold = false;
    } catch (error) {
      const fields = { reason: messageOf(error) };
      if (!this.#isTold) this.#log.warn(fields, "the limits of the server could not be read again");
      this.#isTold = true;
    }
    return this.#last;
  }
}

/** One of the limits: at once, or as soon as the user's file has been read. */
export function limitOf(
  limits: Pick<ServerLimitsSource, "current">,
  name: keyof ServerLimits,
): number | undefined | Promise<number | undefined> {
  const told = limits.current();
  return told instanceof Promise ? told.then((read) => read[name]) : told[name];
}
