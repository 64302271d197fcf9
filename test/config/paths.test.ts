import { userInfo } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { userConfigPath } from "../../src/config/paths.js";
import type { Environment } from "../../src/config/variables.js";

const account = userInfo().homedir;
const end = join("turnwire", "config.json");

test.each<[NodeJS.Platform, Environment, string, boolean]>([
  ["linux", { TURNWIRE_CONFIG: "/c.json", XDG_CONFIG_HOME: "/x" }, "/c.json", true],
  ["linux", { XDG_CONFIG_HOME: "/x", HOME: "/h" }, join("/x", end), false],
  ["linux", { XDG_CONFIG_HOME: "x", HOME: "/h" }, join("/h", ".config", end), false],
  ["linux", { TURNWIRE_CONFIG: "", XDG_CONFIG_HOME: "" }, join(account, ".config", end), false],
  ["linux", { HOME: "" }, join(account, ".config", end), false],
  ["linux", { HOME: "." }, join(account, ".config", end), false],
  ["linux", { HOME: "h", XDG_CONFIG_HOME: "./x" }, join(account, ".config", end), false],
  ["linux", { HOME: "~", XDG_CONFIG_HOME: "~/x" }, join(account, ".config", end), false],
  [
    "win32",
    { APPDATA: "roaming", USERPROFILE: "/u" },
    join("/u", "AppData", "Roaming", end),
    false,
  ],
  ["darwin", { HOME: "/h" }, join("/h", ".config", end), false],
  ["win32", { APPDATA: "/roaming", HOME: "/h" }, join("/roaming", end), false],
  ["win32", { USERPROFILE: "/u" }, join("/u", "AppData", "Roaming", end), false],
  ["win32", { XDG_CONFIG_HOME: "/x", APPDATA: "/roaming" }, join("/x", end), false],
])("on %s the environment %j gives %s", (platform, env, path, isNamed) => {
  expect(userConfigPath(env, platform)).toEqual({ path, isNamed });
});
