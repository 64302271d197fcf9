// Builds what takes care of lost servers, and what goes on with their runs.
import type { Adopter, AdopterOptions } from "./backend/adopter.js";
import type { WorkspaceRegistry } from "./backend/workspaceRegistry.js";
import type { Clock } from "./base/clock.js";
import type { Closing } from "./base/closing.js";
import { messageOf } from "./base/errors.js";
import { limitOf, type ServerLimitsSource } from "./config/serverLimitsSource.js";
import type { LeftRunsOptions } from "./coordinator/leftRuns.js";
import { Recovery } from "./coordinator/recovery.js";
import { endOldWaiting } from "./coordinator/waitingRuns.js";
import type { ServerOptions } from "./serverOptions.js";
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
interface AdopterParts extends Pick<AdopterOptions, "goingOn" | "clock" | "log"> {
  readonly database: Database;
  /** Finishes the rewinds of dead servers, behind which runs may wait. */
  readonly kept: { finishOpen(): void; onFinished(listener: () => void): void };
  readonly house: {
    readonly registry: ServerRegistry;
    readonly recovery: Recovery;
    readonly left: LeftRunsOptions;
    readonly limits: ServerLimitsSource;
    readonly onWaiting: { call: () => void };
  };
  readonly closing: Closing;
  readonly workspaces: WorkspaceRegistry;
  /** Whether workspaces are opened by themselves, and closed again; undefined: never. */
  readonly resumes: ServerOptions["resumes"];
}

/** When the code that looks for lost runs is loaded at the latest, in milliseconds. */
const loadedAfterMs = 1000;

/**
 * Looks for lost runs until the server closes. Its code is loaded when something may be to be taken over,
 * or a moment after the start.
 */
export function openAdopter(all: AdopterParts): { wake(): void; takeNoMore(): void } {
  const { kept, house, closing, resumes, ...parts } = all;
  const { workspaces, database, clock, log } = parts;
  let loading: Promise<Adopter> | undefined;
  let isClosed = false;
  let takesOver = true;
  const load = async () => {
    const { Adopter, resumableWorkspaces } = await import("./backend/adopter.js");
    const adopter = new Adopter({
      ...parts,
      resume: () =>
        resumes === undefined
          ? []
          : resumableWorkspaces(database).flatMap((row) => (workspaces.resume(row) ? row.id : [])),
      closeResumed: (id) => {
        if (resumes === "toClose") workspaces.closeResumed(id);
      },
      hasOthers: () => house.registry.others().length > 0,
      recoverDead: () => {
        house.recovery.recoverDead();
        kept.finishOpen();
      },
      noteAlive: (now) => house.registry.noteAlive(now),
      endOld: (before) => void endOldWaiting(house.left, before),
      waitingDays: () => limitOf(house.limits, "waitingDays"),
    });
    if (isClosed) adopter.close();
    if (!takesOver) adopter.takeNoMore();
    return adopter;
  };
  const wake = () => {
    if (isClosed) return;
    loading ??= load();
    loading.then(
      (adopter) => adopter.wake(),
      (error: unknown) => {
        loading = undefined;
        log.warn({ reason: messageOf(error) }, "lost runs cannot be looked for yet");
      },
    );
  };
  const first = clock.after(resumes === undefined ? loadedAfterMs : 0, wake);
  house.onWaiting.call = wake;
  kept.onFinished(wake);
  closing.add(async () => {
    isClosed = true;
    first.cancel();
    const adopter = await loading?.catch(() => undefined);
    adopter?.close();
  });
  const takeNoMore = () => {
    takesOver = false;
    // If its code cannot be loaded, that is told where it is woken.
    loading?.then((adopter) => adopter.takeNoMore()).catch(() => {});
  };
  return { wake, takeNoMore };
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

/**
 * At the end of a server, its last commit waits so long for another server's, whose disk may be slow; in
 * milliseconds. Without it the next server to start has to tidy up.
 */
const lastWritesMs = 2000;

/** No client is served any more, so this waits for another server's commit. */
export function closeRegistry(database: Database, registry: ServerRegistry, clock: Clock): void {
  database.waitBriefly(lastWritesMs);
  registry.close(clock.now());
}
