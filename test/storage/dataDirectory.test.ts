import { userInfo } from "node:os";
import { expect, test } from "vitest";
import { defaultDataDirectory } from "../../src/storage/dataDirectory.js";

const account = userInfo().homedir;

test.each<[NodeJS.Platform, Record<string, string>, string]>([
  ["linux", { XDG_STATE_HOME: "/s", HOME: "/h" }, "/s/turnwire"],
  ["linux", { HOME: "/h" }, "/h/.local/state/turnwire"],
  ["linux", { XDG_STATE_HOME: "s", HOME: "/h" }, "/h/.local/state/turnwire"],
  ["linux", { XDG_STATE_HOME: "", HOME: "" }, `${account}/.local/state/turnwire`],
  ["linux", { XDG_STATE_HOME: "./s", HOME: "." }, `${account}/.local/state/turnwire`],
  ["darwin", { HOME: "/h" }, "/h/Library/Application Support/turnwire"],
  ["darwin", { HOME: "h" }, `${account}/Library/Application Support/turnwire`],
])("on %s, %j gives %s", (platform, env, directory) => {
  expect(defaultDataDirectory(env, platform)).toBe(directory);
});
