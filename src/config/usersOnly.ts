// What only the user's own file says of a tool server: whether its tools only read. A workspace that
// could say so would have its tools called in the mode `plan` (protocol.md section 7).
import { workspaceFileName } from "./paths.js";
import type { ConfigFile } from "./schema.js";

/** A workspace's file without that, and a warning for each server of which it said so. */
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
