// Where configuration is looked for (protocol.md section 10).
import { dirname, isAbsolute, join } from "node:path";
import { folderOf, homeFolder } from "../base/baseFolders.js";
import type { Environment } from "./variables.js";

export { workspaceFileName } from "../base/configFiles.js";

/** The path of the user's file, and whether someone named it; then it must exist. */
export interface UserConfigPath {
  /** Absolute, unless someone named a relative path, which is refused. */
  readonly path: string;
  readonly isNamed: boolean;
}

/**
 * `$TURNWIRE_CONFIG`; else `turnwire/config.json` under `$XDG_CONFIG_HOME`, else under the usual
 * folder of the platform: `%APPDATA%` on Windows, `~/.config` everywhere else. A folder that is not
 * absolute counts as not set. Undefined if there is no such folder; then there is no user's file.
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

/**
 * The user's files that grant permissions: the one that the environment names, the usual one that
 * other servers read, and the files beside them.
 */
export function userConfigPaths(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): { readonly files: readonly string[]; readonly folders: readonly string[] } {
  const named = env.TURNWIRE_CONFIG;
  const usual = userConfigPath({ ...env, TURNWIRE_CONFIG: undefined }, platform)?.path;
  const files = [named, usual].filter(
    (path): path is string => path !== undefined && isAbsolute(path),
  );
  return {
    files: files.flatMap((path) => [path, join(dirname(path), permissionsFileName)]),
    folders: usual === undefined ? [] : [dirname(usual)],
  };
}

/**
 * The file of the user's logins to tool servers, beside his usual configuration whichever file he
 * names: it is his, and not a configuration's. Undefined where there is no place for it.
 */
export function loginsPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const home = configHome(env, platform);
  return home && join(home, "turnwire", "mcp-logins.json");
}

/** The file of permanent grants, beside the user's configuration. Undefined if there is no place for it. */
export function permissionsPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const config = userConfigPath(env, platform)?.path;
  return config !== undefined && isAbsolute(config)
    ? join(dirname(config), permissionsFileName)
    : undefined;
}

/** The file beside the user's own that stores permanent grants. */
const permissionsFileName = "permissions.json";

function configHome(env: Environment, platform: NodeJS.Platform): string | undefined {
  const xdg = folderOf(env, "XDG_CONFIG_HOME", platform);
  if (xdg !== undefined) return xdg;
  const home = homeFolder(env, platform);
  if (platform !== "win32") return home && join(home, ".config");
  return folderOf(env, "APPDATA", platform) ?? (home && join(home, "AppData", "Roaming"));
}
