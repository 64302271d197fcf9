import { defined } from "./defined.js";

/** Where all parts report what a person may need later. A secret is never passed to it. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A log whose lines all have some fields, beside their own. */
export function withFields(log: Log, fields: object): Log {
  return {
    debug: (more, message) => log.debug({ ...fields, ...more }, message),
    info: (more, message) => log.info({ ...fields, ...more }, message),
    warn: (more, message) => log.warn({ ...fields, ...more }, message),
    error: (more, message) => log.error({ ...fields, ...more }, message),
  };
}

/** A log whose lines say about which run they are. */
export function logAbout(
  log: Log,
  {
    workspaceId,
    sessionId,
    runId,
  }: {
    readonly workspaceId: string;
    readonly sessionId: string;
    readonly runId?: string | undefined;
  },
): Log {
  return withFields(log, { workspaceId, sessionId, ...defined({ runId }) });
}
