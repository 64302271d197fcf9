// The limits of a whole server, and not of one run. Only the user's own file can set them, because
// a server serves many workspaces (protocol.md section 10).
import { defined } from "../base/defined.js";
import { workspaceFileName } from "./paths.js";
import type { ConfigFile } from "./schema.js";
import type { ServerLimits } from "./types.js";

const names = ["concurrentRuns", "keepDays", "checkpointMegabytes", "waitingDays"] as const;

/** The limits that a user's file sets. */
export function serverLimitsOf({ limits = {} }: ConfigFile): ServerLimits {
  const { concurrentRuns, keepDays, checkpointMegabytes, waitingDays } = limits;
  return defined({ concurrentRuns, keepDays, checkpointMegabytes, waitingDays });
}

/** A workspace's file without limits of the server, and a warning for each that it had. */
export function withoutServerLimits(file: ConfigFile): { file: ConfigFile; warnings: string[] } {
  const { limits } = file;
  const found = names.filter((name) => limits?.[name] !== undefined);
  if (limits === undefined || found.length === 0) return { file, warnings: [] };
  const {
    concurrentRuns: _runs,
    keepDays: _days,
    checkpointMegabytes: _size,
    waitingDays: _waiting,
    ...rest
  } = limits;
  const warnings = found.map(
    (name) => `${workspaceFileName}: limits.${name} is ignored: only the user's own file sets it`,
  );
  return { file: { ...file, limits: rest }, warnings };
}
