// What the tools of a server remember of a session while a turn runs. The next server needs it to go on
// with the turn (protocol.md section 4, Going on after a loss).

/** What the tools remember of a session. */
export interface ToolMemory {
  /** The folder of the next command; absent for the workspace itself. */
  readonly folder?: string;
  /** The real paths of files, and the version of each that the model knows; the newest last. */
  readonly files: readonly (readonly [string, string])[];
}

/** Whether a value that was stored is one. */
export function isToolMemory(value: unknown): value is ToolMemory {
  if (typeof value !== "object" || value === null) return false;
  const { folder, files } = value as Record<string, unknown>;
  if (folder !== undefined && typeof folder !== "string") return false;
  return Array.isArray(files) && files.every(isFile);
}

function isFile(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === "string")
  );
}
