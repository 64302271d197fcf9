// Tool servers around a temporary workspace: real processes, real HTTP, and a log that is kept.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { checkToolInput } from "../../src/agent/toolInput.js";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { defined } from "../../src/base/defined.js";
import { randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import type { McpServer } from "../../src/config/types.js";
import { ToolServers } from "../../src/mcp/toolServers.js";
import type { PermissionNeed, PermissionVerdict } from "../../src/permissions/types.js";
import { ProcessHost } from "../../src/process/processHost.js";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/tool.js";
import { until } from "../tools/workbench.js";

export const serverScript = fileURLToPath(new URL("../helpers/mcpServer.mjs", import.meta.url));

/** The two eras of the protocol, as the test server takes them. */
export const eras = ["--old", "--new"] as const;

/** The test server over stdio. */
export function stdio(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): McpServer {
  return { command: process.execPath, args: [serverScript, ...args], env };
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export class Workshop {
  readonly workspace: string;
  readonly servers: ToolServers;
  readonly log: LogLine[] = [];
  readonly needs: PermissionNeed[] = [];
  readonly env: Record<string, string>;
  /** The file of the user's logins. */
  readonly loginsFile: string;
  verdict: PermissionVerdict = { allowed: true };
  /** What answers a server's questions; without one, nobody can. */
  requestInput: ToolContext["requestInput"] | undefined;
  /** What the servers' clock is. */
  readonly clock: Clock;

  constructor(workspace: string, clock: Clock) {
    this.workspace = workspace;
    this.clock = clock;
    this.loginsFile = join(workspace, "home", "mcp-logins.json");
    this.env = { PATH: process.env.PATH ?? "", HOME: workspace };
    const keep = (level: LogLine["level"]) => (fields: object, message: string) =>
      void this.log.push({ level, fields: { ...fields }, message });
    const log = {
      debug: keep("debug"),
      info: keep("info"),
      warn: keep("warn"),
      error: keep("error"),
    };
    const host = new ProcessHost({ clock, ids: randomIds, log: silentLog });
    this.servers = new ToolServers({
      workspacePath: workspace,
      version: "0",
      loginsFile: this.loginsFile,
      host,
      clock,
      ids: randomIds,
      log,
    });
    onTestFinished(async () => {
      await this.servers.dispose();
      await host.close();
      await rm(workspace, { recursive: true, force: true });
    });
  }

  configure(servers: Record<string, McpServer>, env = this.env): void {
    this.servers.reconcile(servers, env);
  }

  tools(signal = new AbortController().signal): Promise<readonly Tool[]> {
    return this.servers.tools(signal);
  }

  async names(): Promise<string[]> {
    return (await this.tools()).map(({ name }) => name);
  }

  /** Resolves once a tool of this name is offered. */
  async untilOffered(name: string): Promise<void> {
    await until(async () => (await this.names()).includes(name));
  }

  /** Calls a tool as soon as it is offered. */
  async call(name: string, input: object = {}, signal?: AbortSignal): Promise<ToolResult> {
    // Nobody waits for a slow server longer than a turn may, and a slow machine makes any server slow.
    await this.untilOffered(name);
    const tool = (await this.tools()).find((one) => one.name === name);
    if (tool === undefined) throw new Error(`${name} is not offered`);
    return this.execute(tool, input, signal);
  }

  execute(
    tool: Tool,
    input: object = {},
    signal = new AbortController().signal,
    sessionId = "ses_1",
  ): Promise<ToolResult> {
    const checked = checkToolInput(tool.inputSchema, tool.jsonSchema, input);
    if (!checked.ok) throw new Error(checked.problem);
    return tool.execute(checked.value, {
      workspacePath: this.workspace,
      sessionId,
      toolCallId: "call_1",
      env: this.env,
      signal,
      onOutput: () => {},
      ...defined({ requestInput: this.requestInput }),
      permissions: {
        check: async (need) => {
          this.needs.push(need);
          return this.verdict;
        },
      },
    });
  }

  /** The process of the server that offers these tools. */
  async pid(server = "test"): Promise<number> {
    return JSON.parse((await this.call(`mcp__${server}__place`)).output).pid;
  }

  logged(message: string): LogLine[] {
    return this.log.filter((line) => line.message === message);
  }
}

export async function openWorkshop(clock: Clock = systemClock): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), "turnwire-mcp-"));
  return new Workshop(await realpath(folder), clock);
}
