// How long an idle server takes to end, with 200 workspaces of which each has run a command, and a
// machine with 1,000 processes: the reaper and the last looks at what is left go over all of them.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Server, type ServerPlace, startServer } from "../contestants.js";
import type { BenchContext, Findings, Row, Suite } from "../measure.js";

export const ends: Suite = { name: "ends", run };

const suite = "ends";
const processes = 1_000;
const command = '@tool bash {"command": "true"}';

async function run(context: BenchContext): Promise<Findings> {
  const count = context.isQuick ? 50 : 200;
  const others = startOthers();
  const folder = context.makeFolder();
  // Without any configuration the offline model answers, which does what it is told.
  const place = { workspace: folder, dataDirectory: join(folder, "data"), env: { HOME: folder } };
  try {
    const byShutdown = await ending(context, place, count, async (server) => {
      await server.peer.request("shutdown", {});
      server.peer.notify("exit", {});
    });
    const byEnd = await ending(context, place, count, async () => {});
    return {
      rows: [row("`shutdown` and `exit`", count, byShutdown), row("end of stdin", count, byEnd)],
    };
  } finally {
    for (const other of others) other.kill("SIGKILL");
  }
}

function startOthers(): ChildProcess[] {
  return Array.from({ length: processes }, () => {
    const child = spawn("sleep", ["600"], { stdio: "ignore" });
    child.on("error", () => {});
    return child;
  });
}

/** Opens workspaces and runs a command in each; then ends the server. In milliseconds. */
async function ending(
  context: BenchContext,
  place: ServerPlace,
  count: number,
  end: (server: Server) => Promise<void>,
): Promise<number> {
  const server = startServer(place);
  await server.greet();
  for (let index = 0; index < count; index++) {
    const path = join(context.makeFolder(), "workspace");
    mkdirSync(path);
    const { id } = await server.peer.request("createWorkspace", {
      path,
      initAgent: true,
      permissionMode: "allow",
    });
    const session = await server.sessionIn(String(id));
    await session.turn(command);
  }
  const begun = performance.now();
  await end(server);
  await server.end();
  return performance.now() - begun;
}

function row(what: string, count: number, ours: number): Row {
  return {
    suite,
    what: `${what}: an idle server with ${count} workspaces that ran a command, ${processes} processes`,
    unit: "ms",
    ours,
    rule: { kind: "atMost", limit: 1_000 },
  };
}
