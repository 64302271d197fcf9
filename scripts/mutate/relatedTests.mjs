// Which tests are run for a change in a source, the nearest first.
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

/** By room: the folders of tests that use it without a process of its own, and those that do. */
const rooms = {
  agent: ["agent coordinator models", "agent subTasks summarize failingRuns bounds cancel"],
  backend: ["backend rpc", "workspaces sessions sendMessage deleteWorkspace summarize cancel"],
  base: ["base", "errors bounds framing deepJson configuration"],
  cli: ["cli", "lastResort processEnd configuration"],
  client: ["client examples", "sendMessage"],
  config: ["config backend", "configuration permissionRules ownDataFiles"],
  coordinator: [
    "coordinator backend rpc",
    "cancel cancelBeforeBegin queue sendMessage completions failingRuns sessions summarize subTasks",
  ],
  engine: ["engine backend", "agent userFolders permissions"],
  events: ["events rpc coordinator", "completions events slowReader flood"],
  mcp: ["mcp", "toolServers"],
  models: ["models agent", "failingRuns agent"],
  permissions: [
    "permissions tools engine",
    "permissions permissionRules permissionFolder ownDataFiles",
  ],
  process: ["process tools mcp", "processEnd scarcity"],
  protocol: ["protocol rpc backend", "requests specification errors"],
  rpc: ["rpc backend", "handshake requests errors specification permissions"],
  storage: [
    "storage coordinator backend",
    "dataDirectory dataDirectoryLost oddFileSystems completions",
  ],
  tools: ["tools", "codingTask permissions scarcity toolServers"],
  transport: ["transport rpc", "framing requests specification slowReader deepJson"],
};

/**
 * The stages of tests for a source, each a list of paths; the first that fails is the last to run.
 *
 * @param {string} root the project's folder
 * @param {string} source a path such as `src/events/outbox.ts`
 */
export function stagesFor(root, source) {
  const room = source.split("/")[1] ?? "";
  const [folders = room, ends = "sendMessage"] = rooms[room] ?? [];
  const near = folders.split(" ").map((folder) => `test/${folder}`);
  const far = ends.split(" ").map((name) => `test/e2e/${name}.test.ts`);
  const stages = [mirrored(root, source), near, [...far, "test/crash/namedPoints.test.ts"]];
  return stages
    .map((paths) => paths.filter((path) => existsSync(join(root, path))))
    .filter((paths) => paths.length > 0);
}

/** The test of this one source, where it has one. */
function mirrored(root, source) {
  const folder = source.replace(/^src/, "test").replace(/\/[^/]*$/, "");
  if (!existsSync(join(root, folder))) return [];
  const name = `${basename(source, ".ts")}.test.ts`;
  return readdirSync(join(root, folder)).includes(name) ? [`${folder}/${name}`] : [];
}
