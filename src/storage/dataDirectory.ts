// Finds and makes the data directory (protocol.md section 9).
import { join } from "node:path";
import { folderOf, homeFolder } from "../base/baseFolders.js";
import { makeFolderSync } from "../base/makeFolder.js";
import { folderError } from "./storageError.js";

export { databaseName } from "../base/dataFiles.js";

/**
 * The data directory where none is named: `$XDG_STATE_HOME/turnwire`, else the platform's own place
 * (`~/.local/state/turnwire`, `~/Library/Application Support/turnwire`, `%LOCALAPPDATA%\turnwire`).
 * A folder that is not absolute counts as not set. Undefined if there is none.
 */
export function defaultDataDirectory(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const folder = stateHome(env, platform);
  return folder && join(folder, "turnwire");
}

function stateHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string | undefined {
  const xdg = folderOf(env, "XDG_STATE_HOME", platform);
  if (xdg !== undefined) return xdg;
  const home = homeFolder(env, platform);
  if (platform === "win32") {
    return folderOf(env, "LOCALAPPDATA", platform) ?? (home && join(home, "AppData", "Local"));
  }
  if (platform === "darwin") return home && join(home, "Library", "Application Support");
  return home && join(home, ".local", "state");
}

/** The message if {@link defaultDataDirectory} finds none and none is named. */
export const noDataDirectory =
  "there is no place for data: neither HOME nor XDG_STATE_HOME is an absolute path, and the account has no home; name a folder with --data-dir";

/** Makes a data directory, private to the user. Throws `StorageFailed` if that is impossible. */
export function makeDataDirectory(path: string): void {
  try {
    makeFolderSync(path, { mode: 0o700 });
  } catch (error) {
    throw folderError(path, error);
  }
}
