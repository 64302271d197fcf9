import * as z from "zod";
import { defined } from "../base/defined.js";
import { requirePermission } from "../permissions/requirePermission.js";
import { Job } from "../process/jobs.js";
import { shellLanguage } from "../process/shellArguments.js";
import type { ShellExit } from "../process/shellProcess.js";
import { beginCommand, type CommandToBegin } from "./beginCommand.js";
import { defineTool } from "./defineTool.js";
import { ToolFailure } from "./failure.js";
import type { ToolResources } from "./resources.js";
import type { Tool, ToolResult } from "./tool.js";
import { keepWorkingDirectory, removeEndFile, workingDirectory } from "./workingDirectory.js";

const description = `Runs a command line in bash, without input, and returns what it prints.
The working directory is kept from one command to the next while it stays inside the workspace; variables and functions are not. Everything that a command began ends with it: to keep something running, set \`background\` (not \`&\`), then use \`jobOutput\` and \`jobKill\`. Long output is cut in its middle and kept whole in a file that \`read\` can open. A command that is still running after \`timeoutMs\` is ended. To search and read files, \`grep\`, \`glob\`, \`ls\` and \`read\` are better.`;

const defaultTimeoutMs = 120_000;
const maxTimeoutMs = 600_000;
/** One argument of a program takes 128 KiB on Linux. */
const maxCommandLength = 30_000;
const maxJobs = 16;

const inputSchema = z.object({
  command: z.string().min(1).max(maxCommandLength).describe("The command line."),
  timeoutMs: z
    .int()
    .min(1)
    .max(maxTimeoutMs)
    .optional()
    .describe(`Milliseconds it may take; ${defaultTimeoutMs} unless told. Not for \`background\`.`),
  background: z
    .boolean()
    .optional()
    .describe("Whether to return at once with a job's id while it runs on."),
  unsandboxed: z
    .boolean()
    .optional()
    .describe(
      "Whether to run it outside the sandbox, where there is one; the user is asked. Only for a command that failed in it.",
    ),
  description: z.string().max(200).optional().describe("What it does, in a few words."),
});
type BashInput = z.output<typeof inputSchema>;

/** `bash`: runs a command line, and ends everything that it began. */
export function bashTool(resources: ToolResources): Tool<BashInput> {
  return defineTool(
    {
      name: "bash",
      description,
      inputSchema,
      async execute(input, context) {
        if (input.command.includes("\0")) {
          throw new ToolFailure("`command` contains a NUL character; remove it.");
        }
        // It runs in the folder for which it was allowed, even if another call changes the folder
        // while the question is open.
        const directory = workingDirectory(context, resources);
        const leaves = resources.confinement !== undefined && input.unsandboxed === true;
        const confinement = leaves ? undefined : resources.confinement;
        const shell = await resources.shells.find(context.env.PATH);
        await requirePermission(context, {
          tool: "bash",
          action: "execute",
          description: `${leaves ? "Run outside the sandbox" : "Run"}: ${input.command}`,
          ...defined({ sandbox: leaves ? ("leaves" as const) : confinement?.mode }),
          subject: { kind: "command", value: input.command },
          cwd: directory.path,
          shell: {
            language: shellLanguage(shell),
            workspacePath: context.workspacePath,
            hasNoCdpath: true,
          },
          input,
        });
        context.signal.throwIfAborted();
        await context.keeper?.noteCommand();
        const { command } = input;
        const isWaitedFor = input.background !== true;
        const toBegin: CommandToBegin = {
          command,
          shell,
          directory,
          context,
          resources,
          confinement,
          movesSession: isWaitedFor,
        };
        return isWaitedFor ? runToEnd(input, toBegin) : runInBackground(toBegin);
      },
    },
    { inWorkspace: true },
  );
}

async function runToEnd(input: BashInput, toBegin: CommandToBegin): Promise<ToolResult> {
  const giveBack = await toBegin.resources.host.commands.take(toBegin.context.signal);
  try {
    return await runInItsSlot(input, toBegin);
  } finally {
    giveBack();
  }
}

async function runInItsSlot(input: BashInput, toBegin: CommandToBegin): Promise<ToolResult> {
  const { directory, context, resources } = toBegin;
  const begun = await beginCommand(toBegin);
  const timeoutMs = input.timeoutMs ?? defaultTimeoutMs;
  const ended = begun.untilEnd(timeoutMs, context.signal).catch(async (error: unknown) => {
    await removeEndFile(begun.cwdFile);
    throw error;
  });
  const { exit, hasTimedOut } = await ended;
  const moved = await keepWorkingDirectory(begun.cwdFile, directory, context, resources);
  context.signal.throwIfAborted();
  const ending = hasTimedOut
    ? `It took longer than ${timeoutMs} ms (\`timeoutMs\`) and was ended.`
    : describeExit(exit);
  const notes = [directory.note, ending, exit.note, moved].filter((note) => note !== undefined);
  const output = [begun.output.text().trimEnd() || "(no output)", ...notes.map((n) => `[${n}]`)];
  const isError = hasTimedOut || exit.kind === "signal" || exit.code !== 0;
  return { output: output.join("\n"), ...defined({ isError: isError || undefined }) };
}

/** What to say about a shell's end; undefined if all went well. */
export function describeExit(exit: ShellExit): string | undefined {
  if (exit.kind === "signal") return `It was ended by ${exit.signal}.`;
  return exit.code === 0 ? undefined : `exit code ${exit.code}`;
}

async function runInBackground(toBegin: CommandToBegin): Promise<ToolResult> {
  const { directory, context, resources } = toBegin;
  const jobs = [...resources.jobs(context.sessionId).values()];
  if (jobs.filter(({ status }) => status.kind === "running").length >= maxJobs) {
    throw new ToolFailure(`${maxJobs} jobs are running already; end one with \`jobKill\`.`);
  }
  const { jobs: places } = resources.host;
  const giveBack = places.tryTake();
  if (giveBack === undefined) {
    throw new ToolFailure(
      `${places.most} jobs of all sessions are running already; try again when some have ended.`,
    );
  }
  const job = await beginJob(toBegin).catch((error) => {
    giveBack();
    throw error;
  });
  job.ended.finally(giveBack);
  const output = `Job ${job.id} is running. \`jobOutput\` tells how it stands, \`jobKill\` ends it; it ends with the session, or when this turn is cancelled.`;
  return { output: directory.note === undefined ? output : `${output}\n[${directory.note}]` };
}

async function beginJob(toBegin: CommandToBegin): Promise<Job> {
  const { command, context, resources } = toBegin;
  // Later output belongs to no call, so nothing can stream it.
  const silent = { ...context, onOutput: () => {} };
  const begun = await beginCommand({ ...toBegin, context: silent });
  const id = `job${resources.jobs(context.sessionId).size + 1}`;
  const job = new Job(id, command, begun.shell, begun.output);
  resources.addJob(context.sessionId, job, context.signal);
  return job;
}
