// Fields of the user's configuration that are set for one server (`turnwire run --config`).
import { applyEdits, modify } from "jsonc-parser";
import * as z from "zod";
import { settingsVariable } from "../base/configFiles.js";
import { configInvalid } from "./configInvalid.js";
import type { ReadFile } from "./files.js";
import { parseConfigFile } from "./parse.js";
import type { ConfigFile } from "./schema.js";

const Settings = z.array(z.object({ path: z.array(z.string()).min(1), value: z.unknown() }));

/**
 * The user's file, with the settings of the variable added. It is parsed and checked.
 *
 * @throws DomainError `ConfigInvalid` if the file has a mistake. The error names the variable
 *   if the settings are invalid, or if the file is wrong only together with them.
 */
export function parseWithSettings(file: ReadFile | undefined, settings: string): ConfigFile {
  const { path, text } = file ?? { path: settingsVariable, text: "" };
  // If the file itself has a mistake, the error names its line.
  parseConfigFile(path, text);
  const set = readSettings(settings).reduce(
    (before, { path: names, value }) => applyEdits(before, modify(before, names, value, {})),
    text.trim() === "" ? "{}" : text,
  );
  return parseConfigFile("--config", set);
}

function readSettings(text: string): z.output<typeof Settings> {
  try {
    const read = Settings.safeParse(JSON.parse(text));
    if (read.success) return read.data;
  } catch {
    // It is not JSON. That is reported below.
  }
  const message = "is no list of {path, value}";
  throw configInvalid(settingsVariable, [{ path: "", message }]);
}
