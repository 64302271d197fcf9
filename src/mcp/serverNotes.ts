import type { Log } from "../base/log.js";
import { redact } from "../base/redact.js";
import { cutText } from "../base/text.js";

const longestLine = 500;
const mostLines = 200;

/**
 * What a tool server says beside the protocol, in the log: without its secrets, each line cut, and no
 * more than 200 lines of one start.
 */
export class ServerNotes {
  readonly server: string;
  readonly #secrets: readonly string[];
  readonly #log: Log;
  #lines = 0;
  #last = "";

  constructor(server: string, secrets: readonly string[], log: Log) {
    this.server = server;
    this.#secrets = secrets;
    this.#log = log;
  }

  /** The last line of its stderr. */
  get lastLine(): string {
    return this.#last;
  }

  /** A line of its stderr. */
  stderr(line: string): void {
    if (line.trim() === "") return;
    this.#last = this.clean(line);
    this.#debug({ line: this.#last }, "a tool server writes");
  }

  /** Something that is wrong, but does not end it. */
  trouble(message: string): void {
    this.#debug({ error: this.clean(message) }, "trouble with a tool server");
  }

  /** A text that is fit for a log, a model and a person. */
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
