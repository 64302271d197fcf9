// Which files of this machine grant permissions to a workspace's agent: the user's configuration,
// the server's stored grants, and the workspace's own files, also through links.
import { join } from "node:path";
import { workspaceFileName } from "../base/configFiles.js";
import { userConfigPaths } from "../config/paths.js";
import type { GrantingPaths } from "../permissions/index.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The paths as they are named. Links in them are resolved at each comparison.
 *
 * @param env the server's own environment; other servers of the same user may have it too.
 * @param workspaceEnv `createWorkspace.env`, which may name another user's file.
 */
export function grantingPaths(
  workspacePath: string,
  dataDirectory: string,
  env: Environment,
  workspaceEnv: Environment,
): GrantingPaths {
  const paths = [userConfigPaths(env), userConfigPaths({ ...env, ...workspaceEnv })];
  return {
    files: [
      join(workspacePath, workspaceFileName),
      join(workspacePath, ".git", "config"),
      ...paths.flatMap(({ files }) => files),
    ],
    folders: [
      join(workspacePath, ".git"),
      join(workspacePath, ".git", "hooks"),
      dataDirectory,
      ...paths.flatMap(({ folders }) => folders),
    ],
  };
}
