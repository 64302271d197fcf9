// Which files of this machine grant permissions to a workspace's agent: the user's configuration, what
// the server remembers, and the workspace's own files, wherever links may have put them.
import { join } from "node:path";
import { workspaceFileName } from "../base/configFiles.js";
import { userConfigPlaces } from "../config/paths.js";
import type { GrantingPlaces } from "../permissions/index.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The places, as they are named; whoever holds a path against them resolves links at that time.
 *
 * @param env the server's own environment; other servers of the same user may have it too.
 * @param workspaceEnv `createWorkspace.env`, which may name another user's file.
 */
export function grantingPlaces(
  workspacePath: string,
  dataDirectory: string,
  env: Environment,
  workspaceEnv: Environment,
): GrantingPlaces {
  const places = [userConfigPlaces(env), userConfigPlaces({ ...env, ...workspaceEnv })];
  return {
    files: [
      join(workspacePath, workspaceFileName),
      join(workspacePath, ".git", "config"),
      ...places.flatMap(({ files }) => files),
    ],
    folders: [
      join(workspacePath, ".git"),
      join(workspacePath, ".git", "hooks"),
      dataDirectory,
      ...places.flatMap(({ folders }) => folders),
    ],
  };
}
