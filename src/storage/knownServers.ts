// The servers that a data directory knows, living or dead (protocol.md section 9). Anybody can
// remove files, so a missing lock does not prove that a server is dead. Then the process itself is
// looked for.
import { join } from "node:path";
import { locksFolder } from "../base/dataFiles.js";
import { defined } from "../base/defined.js";
import type { Database, Row } from "./database.js";
import type { OlderServer } from "./schemaSteps.js";
import { isHeld, lockFile } from "./serverLock.js";

/** What identifies the process of a server. */
export interface OwnProcess {
  readonly version: string;
  readonly processId: number;
  /** The namespace of its number; undefined if that is unknown. */
  readonly place: string | undefined;
  /** A text for the life of a process here; undefined if no such process lives. */
  lifeOf(processId: number): string | undefined;
}

/** Another server, as it registered itself. */
export interface OtherServer extends Partial<Pick<OwnProcess, "version" | "processId" | "place">> {
  readonly id: string;
  readonly startedAt: number;
  readonly life?: string | undefined;
  /** How many steps of the schema it knows; undefined if it has not stored that. */
  readonly schema?: number | undefined;
}

/** A row of the table of servers. */
export function toOther(row: Row): OtherServer {
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const number = (value: unknown) => (typeof value === "number" ? value : undefined);
  return {
    id: String(row.id),
    startedAt: Number(row.startedAt),
    life: text(row.life),
    ...defined({
      processId: number(row.processId),
      schema: number(row.schema),
      place: text(row.place),
      version: text(row.version),
    }),
  };
}

/** Whether the process of a server lives, as far as the process `own` can see. */
export function lives(server: OtherServer, locks: string, own: OwnProcess | undefined): boolean {
  const { id, processId, life, place } = server;
  if (isHeld(lockFile(locks, id))) return true;
  if (own?.place === undefined || place !== own.place || processId === undefined) return false;
  return life !== undefined && own.lifeOf(processId) === life;
}

/** The living servers of a data directory that know fewer than `steps` steps of the schema. */
export function olderServers(
  database: Database,
  dataDirectory: string,
  own: OwnProcess,
  steps: number,
): OlderServer[] {
  const locks = join(dataDirectory, locksFolder);
  return database
    .prepare("SELECT * FROM servers ORDER BY startedAt")
    .all()
    .map(toOther)
    .filter((server) => (server.schema ?? 0) < steps && lives(server, locks, own))
    .map(({ processId, version }) => defined({ pid: processId, version }));
}
