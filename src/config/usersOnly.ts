// Only the user's own file may say that the tools of a tool server only read. If a workspace could say so,
// its tools would be called in the mode `plan` (protocol.md section 7).
import { workspaceFileName } from "./paths.js";
import type { ConfigFile } from "./schema.js";

/** A workspace's file without this field, and a warning for each server that had it. */
export function withoutReadOnly(file: ConfigFile): { file: ConfigFile; warnings: string[] } {
  const entries = Object.entries(file.mcpServers ?? {});
  const found = entries.filter(([, { readOnly }]) => readOnly !== undefined);
  if (found.length === 0) return { file, warnings: [] };
  const servers = entries.map(([id, { readOnly: _, ...entry }]) => [id, entry] as const);
  const warnings = found.map(
    ([id]) =>
      `${workspaceFileName}: mcpServers.${id}.readOnly is ignored: only the user's own file sets it`,
  );
  return { file: { ...file, mcpServers: Object.fromEntries(servers) }, warnings };
}

/**
 * Fields that only the user's own file sets: a workspace must not send anything anywhere, and starts no
 * program.
 */
const usersFields = ["relays", "worker", "engines"] as const;

/** A workspace's file without these fields, and a warning for each that it had. */
export function withoutUsersFields(file: ConfigFile): { file: ConfigFile; warnings: string[] } {
  const found = usersFields.filter((field) => file[field] !== undefined);
  if (found.length === 0) return { file, warnings: [] };
  const rest = { ...file };
  for (const field of found) delete rest[field];
  const warnings = found.map(
    (field) => `${workspaceFileName}: ${field} is ignored: only the user's own file sets it`,
  );
  return { file: rest, warnings };
}
