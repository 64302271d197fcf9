// Who a data directory is to the outside (docs/fleet.md): its own id, and one for its life in this
// place. A copy of the directory has the first in common with it, and not the second.
import { createHash, randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import type { Database } from "./database.js";
import { NoteStore } from "./noteStore.js";

/** The identity of a data directory. */
export interface DirectoryIdentity {
  readonly machineId: string;
  readonly epoch: string;
}

/** Where a database is. */
export interface DatabasePlace {
  /** The device and the number of the file. */
  readonly file: string;
  /** When the file was made; empty if the system does not tell. */
  readonly born: string;
  /** Which machine this is. */
  readonly machine: string;
}

const machineNote = "machineId";
const epochNote = "epoch";

/** The identity of an open database that is at a place; it is made if it has none for this place. */
export function directoryIdentity(
  database: Database,
  place: DatabasePlace,
  newId: () => string = randomUUID,
): DirectoryIdentity {
  const notes = new NoteStore(database);
  return database.write(() => {
    const machineId = notes.get(machineNote) ?? newId();
    const known = lifeOf(notes.get(epochNote));
    const isSame = known !== undefined && isSamePlace(known.place, place);
    const epoch = isSame ? known.epoch : newId();
    const born = place.born || (isSame ? known.place.born : "");
    notes.set(machineNote, machineId);
    notes.set(epochNote, JSON.stringify({ epoch, place: { ...place, born } }));
    return { machineId, epoch };
  });
}

function isSamePlace(known: DatabasePlace, place: DatabasePlace): boolean {
  const isBornThen = known.born === "" || place.born === "" || known.born === place.born;
  return known.file === place.file && known.machine === place.machine && isBornThen;
}

/** What a note says; undefined if there is none, or if it is damaged. */
function lifeOf(text: string | undefined): { epoch: string; place: DatabasePlace } | undefined {
  try {
    const life = JSON.parse(text ?? "null") as { epoch?: unknown; place?: DatabasePlace } | null;
    if (typeof life?.epoch !== "string" || typeof life.place !== "object") return undefined;
    return { epoch: life.epoch, place: life.place };
  } catch {
    // A new one is written over it.
    return undefined;
  }
}

/** Where a database file is. */
export function databasePlace(file: string): DatabasePlace {
  const { dev, ino, birthtimeNs, ctimeNs } = statSync(file, { bigint: true });
  return {
    file: `${dev}:${ino}`,
    // Where the system does not tell, Node gives the time of the last change.
    born: birthtimeNs === ctimeNs || birthtimeNs === 0n ? "" : String(birthtimeNs),
    machine: machineOf(),
  };
}

/** A text for this machine. Its own id is not to be told, so it is hashed. */
function machineOf(): string {
  let id = "";
  try {
    id = readFileSync("/etc/machine-id", "utf8").trim();
  } catch {
    // Other systems have none. Containers of one image share one, so the name of the host counts too.
  }
  return createHash("sha256").update(`turnwire\n${id}\n${hostname()}`).digest("hex").slice(0, 32);
}
