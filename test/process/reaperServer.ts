// A stand-in for the server: begins a command, then waits to be killed. See reaper.test.ts.

import { systemClock } from "../../src/base/clock.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { bashTool } from "../../src/tools/bash.js";
import { ToolResources } from "../../src/tools/resources.js";

const [workspacePath = "", outputDirectory = "", command = ""] = process.argv.slice(2);
const surroundings = { clock: systemClock, ids: randomIds, log: silentLog };
const host = new ProcessHost(surroundings);
const resources = new ToolResources({ ...surroundings, host, outputDirectory });
await bashTool(resources).execute(
  { command },
  {
    workspacePath,
    sessionId: "ses_1",
    toolCallId: "call_1",
    env: { PATH: process.env.PATH ?? "" },
    signal: new AbortController().signal,
    permissions: { check: async () => ({ allowed: true }) },
    onOutput: (delta) => process.stdout.write(delta),
  },
);
