/** Starts each tool server of the configuration, lists what it has, and ends it: for `doctor --probe`. */
import { afterAwake } from "../base/awakeTime.js";
import { defined } from "../base/defined.js";
import { messageOf } from "../base/errors.js";
import { silentLog } from "../base/log.js";
import { loginsPath } from "../config/paths.js";
import type { McpServer } from "../config/types.js";
import { WorkspaceConfinement } from "../engine/confinement.js";
import { connect } from "../mcp/connect.js";
import { Logins } from "../mcp/logins.js";
import type { ServerConnection, ServerSurroundings } from "../mcp/serverConnection.js";
import { loginNameOf } from "../mcp/toolServers.js";
import { toolEnvironment } from "../process/environment.js";
import { ProcessHost } from "../process/processHost.js";
import type { ProbeResult, ProbeSurroundings } from "./probeResult.js";

/** How long a server may take to start, in milliseconds: as long as in a run. */
const startMs = 60_000;

/** Never rejects. */
export async function probeToolServers(given: ProbeSurroundings): Promise<readonly ProbeResult[]> {
  const { config, clock, ids } = given;
  const servers = Object.entries(config.mcpServers);
  if (servers.length === 0) return [];
  const host = new ProcessHost({ clock, ids, log: silentLog });
  try {
    const shared = await surroundingsOf(given, host);
    return await Promise.all(servers.map(([id, server]) => probeServer(id, server, shared)));
  } catch (error) {
    const failed = {
      kind: "toolServer",
      milliseconds: 0,
      ok: false,
      text: messageOf(error),
    } as const;
    return servers.map(([name]) => ({ ...failed, name }));
  } finally {
    await host.close();
  }
}

type Shared = Omit<ServerSurroundings, "loginName">;

/** What a run in this folder would give a server. Rejects if the sandbox cannot be enforced. */
async function surroundingsOf(given: ProbeSurroundings, host: ProcessHost): Promise<Shared> {
  const { config, env, workspacePath, dataDir, version, clock, ids } = given;
  if (workspacePath === undefined) throw new Error("the folder in which this was started is gone");
  const place = new WorkspaceConfinement(workspacePath, dataDir ?? workspacePath, env);
  const confinement = await place.of(config);
  return {
    workspacePath,
    env: toolEnvironment(env, config.secretVariables, {}),
    version,
    host,
    logins: new Logins(loginsPath(env), clock),
    clock,
    ids,
    log: silentLog,
    ...defined({ confinement }),
  };
}

async function probeServer(id: string, server: McpServer, shared: Shared): Promise<ProbeResult> {
  const { clock } = shared;
  const begun = clock.now();
  const ended = () => ({ kind: "toolServer", name: id, milliseconds: clock.now() - begun });
  const abort = new AbortController();
  const tooLong = new Error(`it did not start within ${startMs / 1000} seconds`);
  const timer = afterAwake(clock, startMs, () => abort.abort(tooLong));
  const surroundings = { ...shared, loginName: loginNameOf(server, id, undefined) };
  const leftOut: string[] = [];
  const hooks = {
    onToolsChanged() {},
    onLeftOut(_: unknown, name: string, why: string) {
      leftOut.push(`${name || "an entry"} is left out: ${why}`);
    },
    onEnded() {},
  };
  try {
    const connection = await connect(id, server, surroundings, hooks, abort.signal);
    const text = [abilitiesOf(connection), ...leftOut.slice(0, 5)].join("; ");
    const told = ended();
    await connection.close();
    return { ...told, ok: true, text };
  } catch (error) {
    return { ...ended(), ok: false, text: `it does not start: ${messageOf(error)}` };
  } finally {
    timer.cancel();
  }
}

function abilitiesOf({ tools, prompts, hasResources }: ServerConnection): string {
  return [
    `${tools.length} ${tools.length === 1 ? "tool" : "tools"}`,
    ...(prompts.length === 0 ? [] : [`${prompts.length} prompts`]),
    ...(hasResources ? ["resources"] : []),
  ].join(", ");
}
