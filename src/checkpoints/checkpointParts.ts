import type { Clock } from "../base/clock.js";
import type { Ids } from "../base/ids.js";
import type { Log } from "../base/log.js";
import type { CheckpointStore } from "../storage/checkpointStore.js";
import type { Database } from "../storage/database.js";
import type { RunStore } from "../storage/runStore.js";
import type { ServerRegistry } from "../storage/serverRegistry.js";
import type { KeptContent } from "./keptContent.js";

/** The parts of the checkpoints of a data directory. */
export interface CheckpointOptions {
  readonly database: Database;
  readonly store: CheckpointStore;
  readonly runs: RunStore;
  readonly registry: Pick<ServerRegistry, "id" | "isAlive">;
  readonly dataDirectory: string;
  /** How many bytes all checkpoints may keep. */
  mostKeptBytes(): number | Promise<number>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** What a rewind works with. */
export interface CheckpointParts
  extends Pick<CheckpointOptions, "database" | "store" | "runs" | "clock" | "ids"> {
  readonly serverId: string;
  readonly content: KeptContent;
  /** The rewinds that this server has begun and not finished, by the position of their checkpoint. */
  readonly working: Set<number>;
}
