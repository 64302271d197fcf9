import type { Log } from "../base/log.js";
import { redact } from "../base/redact.js";
import { cutText } from "../base/text.js";

const longestLine = 500;
const mostLines = 200;

/**
 * Logs what a tool server writes outside the protocol: without secrets, each line cut, and at most
 * 200 lines per start.
 */
export class ServerNotes {
  readonly server: string;
  #secrets: readonly string[];
  readonly #log: Log;
  #lines = 0;
  #last = "";

  constructor(server: string, secrets: readonly string[], log: Log) {
    this.server = server;
    this.#secrets = secrets;
    this.#log = log;
  }

  /** One more text that appears nowhere. */
  addSecret(secret: string): void {
    if (!this.#secrets.includes(secret)) this.#secrets = [...this.#secrets, secret];
  }

  /** The last line of its stderr. */
  get lastLine(): string {
    return this.#last;
  }

  /** Logs a line of its stderr. */
  stderr(line: string): void {
    if (line.trim() === "") return;
    this.#last = this.clean(line);
    this.#debug({ line: this.#last }, "a tool server writes");
  }

  /** Logs a problem that does not end the server. */
  trouble(message: string): void {
    this.#debug({ error: this.clean(message) }, "trouble with a tool server");
  }

  /** A text without secrets, cut, for a log, a model or a person. */
  clean(text: string): string {
    return cutText(redact(text, this.#secrets), longestLine);
  }

  #debug(fields: object, message: string): void {
    if (++this.#lines <= mostLines) this.#log.debug({ server: this.server, ...fields }, message);
    else if (this.#lines === mostLines + 1) {
      this.#log.debug({ server: this.server }, "a tool server writes too much; it is not logged");
    }
  }
}
