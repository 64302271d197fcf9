// Where the data is (contract section 9).
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { storageError } from "./storageError.js";

export { databaseName } from "../base/dataFiles.js";

/**
 * The data directory where none is named: `$XDG_STATE_HOME/turnwire`, else the platform's own place
 * (`~/.local/state/turnwire`, `~/Library/Application Support/turnwire`, `%LOCALAPPDATA%\turnwire`).
 */
export function defaultDataDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string {
  const xdg = env.XDG_STATE_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, "turnwire");
  const home = env.HOME || env.USERPROFILE || homedir();
  if (platform === "win32") {
    return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "turnwire");
  }
  if (platform === "darwin") return join(home, "Library", "Application Support", "turnwire");
  return join(home, ".local", "state", "turnwire");
}

/** Makes a data directory, private to the user. Throws `StorageFailed` where that can't be. */
export function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw storageError(path, error);
  }
}
