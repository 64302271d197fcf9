// All that asks clients: for permission and input, for calls of their tools, for files of their editors.
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { ClientFiles } from "./clientFiles.js";
import { ClientTools } from "./clientTools.js";
import type { QuestionBook } from "./questionBook.js";
import { QuestionDesk } from "./questionDesk.js";

/** What asks the clients of one server. */
export interface ClientDesks {
  readonly desk: QuestionDesk;
  readonly clientTools: ClientTools;
  readonly clientFiles: ClientFiles;
}

/** What they are made from. */
export interface ClientDesksOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** See {@link QuestionDesk}. */
  readonly isShared?: boolean;
  readonly book?: QuestionBook;
}

/** Makes them; no connection is known to them yet. */
export function clientDesks(options: ClientDesksOptions): ClientDesks {
  const { clock, log } = options;
  return {
    desk: new QuestionDesk(options),
    clientTools: new ClientTools(clock, log),
    clientFiles: new ClientFiles(clock, log),
  };
}
