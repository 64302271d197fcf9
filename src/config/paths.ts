// Where configuration is looked for (contract section 10).
import { join } from "node:path";
import { folderOf, homeFolder } from "../base/baseFolders.js";
import type { Environment } from "./variables.js";

/** The name of a workspace's own file, at its root. */
export const workspaceFileName = "turnwire.json";

/** The user's file: where it is, and whether someone named it, so that it has to be there. */
export interface UserConfigPath {
  /** Absolute, but for one that someone named by a relative path: such a one is refused. */
  readonly path: string;
  readonly isNamed: boolean;
}

/**
 * `$TURNWIRE_CONFIG`; else `turnwire/config.json` under `$XDG_CONFIG_HOME`, else under the place
 * where the platform's command-line programs keep theirs: `%APPDATA%` on Windows, `~/.config`
 * everywhere else. A folder that is not absolute counts as not set. Undefined where none of them is
 * there: then there is no user's file.
 */
export function userConfigPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): UserConfigPath | undefined {
  if (env.TURNWIRE_CONFIG) return { path: env.TURNWIRE_CONFIG, isNamed: true };
  const home = configHome(env, platform);
  if (home === undefined) return undefined;
  return { path: join(home, "turnwire", "config.json"), isNamed: false };
}

function configHome(env: Environment, platform: NodeJS.Platform): string | undefined {
  const xdg = folderOf(env, "XDG_CONFIG_HOME", platform);
  if (xdg !== undefined) return xdg;
  const home = homeFolder(env, platform);
  if (platform !== "win32") return home && join(home, ".config");
  return folderOf(env, "APPDATA", platform) ?? (home && join(home, "AppData", "Roaming"));
}
