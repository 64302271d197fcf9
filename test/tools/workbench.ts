// A workspace in a temporary folder, and what a tool needs around it.
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.js";
import { defined } from "../../src/base/defined.js";
import { type Ids, randomIds } from "../../src/base/ids.js";
import { silentLog } from "../../src/base/log.js";
import type { PermissionNeed, PermissionVerdict } from "../../src/permissions/types.js";
import { ProcessHost } from "../../src/process/processHost.js";
import { createTools, ToolResources } from "../../src/tools/index.js";
import type { CommandGuard } from "../../src/tools/resources.js";
import type { Tool, ToolContext, ToolResult } from "../../src/tools/tool.js";

export interface Workbench {
  readonly workspace: string;
  /** A folder beside the workspace. */
  readonly outside: string;
  readonly resources: ToolResources;
  readonly context: ToolContext;
  /** Every need that a tool told, in order. */
  readonly needs: PermissionNeed[];
  /** Everything streamed. */
  readonly streamed: string[];
  /** Answers the next needs; allows all unless set. */
  verdict: (need: PermissionNeed) => PermissionVerdict | Promise<PermissionVerdict>;
  /** Runs a tool on input that its schema accepts. */
  run(name: string, input: object, context?: Partial<ToolContext>): Promise<ToolResult>;
  tool(name: string): Tool;
  write(path: string, content: string | Uint8Array): Promise<string>;
  text(path: string): Promise<string>;
}

export async function openWorkbench(
  options: { clock?: Clock; ids?: Ids; guard?: CommandGuard } = {},
): Promise<Workbench> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "turnwire-tools-")));
  const workspace = join(root, "workspace");
  const outside = join(root, "outside");
  await mkdir(workspace);
  await mkdir(outside);
  const surroundings = {
    clock: options.clock ?? systemClock,
    ids: options.ids ?? randomIds,
    log: silentLog,
  };
  const host = new ProcessHost(surroundings);
  const resources = new ToolResources({
    ...surroundings,
    host,
    outputDirectory: join(root, "outputs"),
    ...defined({ guard: options.guard }),
  });
  const tools = createTools({ resources });
  const needs: PermissionNeed[] = [];
  const streamed: string[] = [];
  const bench: Workbench = {
    workspace,
    outside,
    resources,
    needs,
    streamed,
    verdict: () => ({ allowed: true }),
    context: {
      workspacePath: workspace,
      sessionId: "ses_1",
      toolCallId: "call_1",
      env: { PATH: process.env.PATH ?? "", HOME: root },
      signal: new AbortController().signal,
      permissions: {
        async check(need) {
          needs.push(need);
          return bench.verdict(need);
        },
      },
      onOutput: (delta) => streamed.push(delta),
    },
    async run(name, input, context = {}) {
      const tool = bench.tool(name);
      return tool.execute(tool.inputSchema.parse(input), { ...bench.context, ...context });
    },
    tool(name) {
      const tool = tools.find((one) => one.name === name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      return tool;
    },
    async write(path, content) {
      const absolute = join(workspace, path);
      await mkdir(dirname(absolute), { recursive: true });
      await writeFile(absolute, content);
      return absolute;
    },
    text: (path) => readFile(join(workspace, path), "utf8"),
  };
  onTestFinished(async () => {
    await resources.dispose();
    await host.close();
    await rm(root, { recursive: true, force: true });
  });
  return bench;
}

/** A permission that is refused. */
export const refused = { allowed: false, message: "The user said no." } as const;

/** Whether a process lives; a zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  try {
    return !/\) [ZX] /.test(await readFile(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Resolves as soon as `condition` holds; the test's own time limit is the bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
