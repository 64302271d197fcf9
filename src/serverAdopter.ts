// Builds what takes care of lost servers, and what goes on with their runs.
import { Adopter, type AdopterOptions } from "./backend/adopter.js";
import type { Closing } from "./base/closing.js";
import { limitOf, type ServerLimitsSource } from "./config/serverLimitsSource.js";
import type { LeftRunsOptions } from "./coordinator/leftRuns.js";
import { Recovery } from "./coordinator/recovery.js";
import { endOldWaiting } from "./coordinator/waitingRuns.js";
import type { Database } from "./storage/database.js";
import type { ServerRegistry } from "./storage/serverRegistry.js";

/** What takes care of dead servers. `onWaiting.call` is called when runs wait from now on. */
export function openRecovery(left: LeftRunsOptions) {
  const onWaiting = { call: () => {} };
  const recoveryOf = (registry: ServerRegistry) =>
    new Recovery({ ...left, registry, onWaiting: () => onWaiting.call() });
  return { recoveryOf, onWaiting };
}

/** What the adopter of a server is built from. */
interface AdopterParts
  extends Pick<AdopterOptions, "workspaces" | "goingOn" | "database" | "clock" | "log"> {
  /** Finishes the rewinds of dead servers. */
  readonly kept: { finishOpen(): void };
  readonly house: {
    readonly registry: ServerRegistry;
    readonly recovery: Recovery;
    readonly left: LeftRunsOptions;
    readonly limits: ServerLimitsSource;
    readonly onWaiting: { call: () => void };
  };
  readonly closing: Closing;
}

/** The adopter of a server. It looks for lost runs until the server closes. */
export function openAdopter({ kept, house, closing, ...parts }: AdopterParts): Adopter {
  const adopter = new Adopter({
    ...parts,
    hasOthers: () => house.registry.others().length > 0,
    recoverDead: () => {
      house.recovery.recoverDead();
      kept.finishOpen();
    },
    endOld: (before) => void endOldWaiting(house.left, before),
    waitingDays: () => limitOf(house.limits, "waitingDays"),
  });
  house.onWaiting.call = () => adopter.wake();
  closing.add(() => adopter.close());
  return adopter;
}

/** Takes care of what a dead server left, its rewinds too. */
export function recoverer(
  recovery: Recovery,
  kept: { finishOpen(): void },
): (id: string) => boolean {
  return (id) => {
    const isDead = recovery.recoverIfDead(id);
    if (isDead) kept.finishOpen();
    return isDead;
  };
}

/** At the end of a server, its writes wait so long for another server's; in milliseconds. */
const lastWritesMs = 500;

/** No client is served any more, so this waits for another server's commit. */
export function closeRegistry(database: Database, registry: ServerRegistry): void {
  database.waitBriefly(lastWritesMs);
  registry.close();
}
