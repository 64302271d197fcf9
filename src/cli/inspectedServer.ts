import type { Clock } from "../base/clock.js";
import type { Log } from "../base/log.js";
import type { Server } from "../compose.js";
import type { LogSink } from "../transport/logSink.js";

/** A server that is looked into. */
export interface InspectedServer {
  readonly server: Pick<Server, "completions">;
  readonly dataDirectory: string;
  readonly log: Log;
}

/** What looking into a server needs of its process. */
export interface InspectedIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  readonly processId: number;
  readonly logSink: LogSink;
  /** Calls back when somebody wants to look into the server. */
  onInspect(callback: () => void): void;
}
