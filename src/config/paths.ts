// Where configuration is looked for (contract section 10).
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import type { Environment } from "./variables.js";

/** The name of a workspace's own file, at its root. */
export const workspaceFileName = "turnwire.json";

/** The user's file: where it is, and whether someone named it, so that it has to be there. */
export interface UserConfigPath {
  readonly path: string;
  readonly isNamed: boolean;
}

/**
 * `$TURNWIRE_CONFIG`; else `turnwire/config.json` under `$XDG_CONFIG_HOME`, else under the place
 * where the platform's command-line programs keep theirs: `%APPDATA%` on Windows, `~/.config`
 * everywhere else. A relative `$XDG_CONFIG_HOME` is not valid and is passed over, as its
 * specification demands.
 */
export function userConfigPath(
  env: Environment,
  platform: NodeJS.Platform = process.platform,
): UserConfigPath {
  if (env.TURNWIRE_CONFIG) return { path: resolve(env.TURNWIRE_CONFIG), isNamed: true };
  return { path: join(configHome(env, platform), "turnwire", "config.json"), isNamed: false };
}

function configHome(env: Environment, platform: NodeJS.Platform): string {
  const xdg = env.XDG_CONFIG_HOME;
  if (xdg && isAbsolute(xdg)) return xdg;
  if (platform === "win32") {
    return env.APPDATA || join(env.USERPROFILE || homedir(), "AppData", "Roaming");
  }
  return join(env.HOME || homedir(), ".config");
}
