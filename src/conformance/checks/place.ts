// A data directory that several servers use, one after the other or side by side.

import type { Kit, Workspace } from "../kit.js";
import type { Peer } from "../peer.js";

/** A data directory, and the folder of a workspace. */
export interface Place {
  readonly dataDir: string;
  readonly path: string;
}

export const newPlace = (kit: Kit): Place => ({ dataDir: kit.newFolder(), path: kit.newFolder() });

/** The first server of the place, with its workspace. */
export async function openFirst(kit: Kit, place: Place): Promise<Workspace> {
  return kit.workspace(await kit.start({ dataDir: place.dataDir }), place.path);
}

/** A server after the first, for the client of the first. */
export function reconnect(kit: Kit, { dataDir }: Place, clientId: string): Promise<Peer> {
  return kit.start({ dataDir, command: "restart", initialize: { clientId } });
}

/** A second server on the data directory, beside the first; skips where the kit was given none. */
export function second(kit: Kit, { dataDir }: Place, more: object = {}): Promise<Peer> {
  if (!kit.hasSecondCommand) kit.skip("no --second-command was given");
  return kit.start({ dataDir, command: "second", initialize: more });
}
