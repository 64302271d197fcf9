// A stand-in for the server: has a tool server begin something, says which processes there are, then
// waits to be killed. See lifecycle.test.ts.

import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { ToolServers } from "../../src/mcp/toolServers.js";
import { ProcessHost } from "../../src/process/processHost.js";

const [workspacePath = "", script = ""] = process.argv.slice(2);
const env = { PATH: process.env.PATH ?? "" };
const servers = new ToolServers({
  workspacePath,
  version: "0",
  clock: systemClock,
  ids: randomIds,
  log: silentLog,
  host: new ProcessHost({ clock: systemClock, ids: randomIds, log: silentLog }),
});
// Deaf to a closed stdin, so that only the reaper can end it.
const args = ["--import", "data:text/javascript,setInterval(() => {}, 1e9)", script];
servers.reconcile({ test: { command: process.execPath, args, env: {} } }, env);
const { signal } = new AbortController();
const tools = await servers.tools(signal);
const call = async (name: string) => {
  const tool = tools.find((one) => one.name === `mcp__test__${name}`);
  const result = await tool?.execute(
    {},
    {
      workspacePath,
      sessionId: "ses_1",
      toolCallId: "call_1",
      env,
      signal,
      permissions: { check: async () => ({ allowed: true }) },
      onOutput: () => {},
    },
  );
  return result?.output ?? "";
};
const { pid } = JSON.parse(await call("place"));
process.stdout.write(`${JSON.stringify([pid, Number(await call("begin"))])}\n`);
setInterval(() => {}, 1e9);
