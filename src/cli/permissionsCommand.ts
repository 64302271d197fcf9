/** `turnwire permissions`: what was allowed for good by `allowAlways` (protocol.md section 7). */
import { messageOf } from "../base/errors.js";
import { leadsTo } from "../base/leadsTo.js";
import { permissionsPath } from "../config/paths.js";
import { type PermanentGrant, PermanentGrants } from "../config/permanentGrants.js";
import type { ConfigurationIo } from "./modelsCommand.js";
import { exitCodes } from "./runOptions.js";
import { visibleLine } from "./visibleText.js";

/** What is asked for. */
export type PermissionsCommandOptions =
  | { readonly action: "list"; readonly json?: true }
  | {
      readonly action: "remove";
      /** As `list` shows it. Undefined with `all`. */
      readonly rule?: string;
      /** Only those of this workspace. */
      readonly cwd?: string;
      readonly all?: true;
    };

/** Does it; resolves with the exit code. Never rejects. */
export async function permissionsCommand(
  options: PermissionsCommandOptions,
  io: ConfigurationIo,
): Promise<number> {
  try {
    const file = permissionsPath(io.env);
    if (file === undefined) throw new Error("there is no folder for a user's configuration");
    const grants = new PermanentGrants(file);
    if (options.action === "list") return list(grants, options.json === true, io);
    return await remove(grants, options, io);
  } catch (error) {
    io.writeError(`turnwire permissions: ${visibleLine(messageOf(error))}`);
    return exitCodes.failed;
  }
}

function list(grants: PermanentGrants, isJson: boolean, io: ConfigurationIo): number {
  const found = grants.list();
  if (isJson) io.writeOut(JSON.stringify({ allowAlways: found }));
  else for (const grant of found) io.writeOut(shown(grant));
  if (!isJson && found.length === 0) io.writeError("Nothing was allowed for good.");
  return exitCodes.succeeded;
}

async function remove(
  grants: PermanentGrants,
  { rule, cwd, all }: Extract<PermissionsCommandOptions, { action: "remove" }>,
  io: ConfigurationIo,
): Promise<number> {
  if ((rule === undefined) !== (all === true)) {
    io.writeError("turnwire permissions: name one rule, or say --all");
    return exitCodes.usage;
  }
  const folder = cwd === undefined ? undefined : io.resolvePath(cwd);
  // A workspace that is gone has no real path any more, so its path counts as it is named.
  const workspaces = folder === undefined ? undefined : [folder, leadsTo(folder) ?? folder];
  const removed = await grants.remove(
    (grant) =>
      (all === true || grant.rule === rule) && workspaces?.includes(grant.workspace) !== false,
  );
  for (const grant of removed) io.writeOut(`no longer allowed: ${shown(grant)}`);
  if (removed.length > 0 || all === true) return exitCodes.succeeded;
  io.writeError(
    `turnwire permissions: ${visibleLine(rule ?? "")} was not allowed for good; \`list\` shows what was`,
  );
  return exitCodes.failed;
}

function shown({ rule, workspace, folder, sandboxed }: PermanentGrant): string {
  const where = folder === undefined ? "" : `, run in ${visibleLine(folder)}`;
  const how = sandboxed === true ? ", in a sandbox" : "";
  return `${visibleLine(rule)}  (workspace ${visibleLine(workspace)}${where}${how})`;
}
