// All that asks clients: for permission and input, for calls of their tools, for files of their editors.
import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import { ClientFiles } from "./clientFiles.js";
import { ClientTools } from "./clientTools.js";
import { QuestionDesk } from "./questionDesk.js";

/** What asks the clients of one server. */
export interface ClientDesks {
  readonly desk: QuestionDesk;
  readonly clientTools: ClientTools;
  readonly clientFiles: ClientFiles;
}

/** Makes them; no connection is known to them yet. `isShared`: see {@link QuestionDesk}. */
export function clientDesks(clock: Clock, log: Log, isShared = false): ClientDesks {
  return {
    desk: new QuestionDesk(log, isShared),
    clientTools: new ClientTools(clock, log),
    clientFiles: new ClientFiles(clock, log),
  };
}
