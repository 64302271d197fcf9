/** The options of `turnwire daemon` and of what speaks to it, separate from the parser, which is heavy. */
import type { OwnServerOptions } from "./openServer.js";

/** How a daemon serves. */
export interface DaemonOptions extends OwnServerOptions {
  /** After so many seconds in which nobody needs it, it ends; 0: never. */
  readonly idleSeconds: number;
}

/** What `turnwire daemon` is asked for. */
export type DaemonAction = "serve" | "start" | "stop" | "status";

export interface DaemonCommandOptions extends DaemonOptions {
  readonly action: DaemonAction;
  /** For `status`: one JSON object. */
  readonly json?: boolean;
}

/** How long a daemon that nobody needs stays, in seconds, unless it is told otherwise. */
export const defaultIdleSeconds = 600;
