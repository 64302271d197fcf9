// Finds the workspaces that a server may open by itself to go on with runs (protocol.md section 4, Going on
// after a loss).
import { readOr, storedText } from "./damage.js";
import type { Database } from "./database.js";
import type { ResumeOptions } from "./goingOnStore.js";
import { nobody } from "./runRow.js";

/** A workspace that may be opened by itself, and with which runs somebody may go on there. */
export interface ResumableRow {
  readonly id: string;
  readonly path: string;
  readonly options: ResumeOptions;
}

/** Those in which runs wait for a server. What is damaged is left out. */
export function resumableWorkspaces(database: Database): ResumableRow[] {
  const sql = `SELECT id, path, options FROM resumableWorkspaces JOIN workspaces ON id = workspaceId
    WHERE EXISTS (SELECT 1 FROM runs WHERE serverId = ? AND state <> 'completed' AND goesOn = 1
      AND runs.workspaceId = id)`;
  const rows = readOr(
    () => database.prepare(sql).all(nobody),
    () => [],
  );
  return rows.flatMap((row) => {
    const options = optionsIn(storedText(row.options) ?? "");
    return options === undefined ? [] : { id: String(row.id), path: String(row.path), options };
  });
}

function optionsIn(text: string): ResumeOptions | undefined {
  try {
    const { trusted, engine } = JSON.parse(text) as Record<string, unknown>;
    return typeof trusted === "boolean" && typeof engine === "string"
      ? { trusted, engine }
      : undefined;
  } catch {
    // Damaged text allows nothing.
    return undefined;
  }
}
