import * as z from "zod";
import { sleepAwake } from "../base/awakeTime.js";
import type { Job } from "../process/jobs.js";
import { defineTool } from "./defineTool.js";
import { describeJob, findJob } from "./jobReport.js";
import type { ToolResources } from "./resources.js";
import type { Tool } from "./tool.js";

const description = `Tells how a background job stands and what it has printed so far, its beginning and its end.
With \`waitMs\` it waits that long for the job to end.`;

const inputSchema = z.object({
  jobId: z.string().min(1).describe("The job's id, as `bash` gave it."),
  waitMs: z
    .int()
    .min(0)
    .max(600_000)
    .optional()
    .describe("Milliseconds to wait for the job's end; 0 unless told."),
});

/** `jobOutput`: a background job's state and output. */
export function jobOutputTool(resources: ToolResources): Tool<z.output<typeof inputSchema>> {
  const firstAsked = new WeakMap<Job, number>();
  return defineTool({
    name: "jobOutput",
    readOnly: true,
    description,
    inputSchema,
    async execute(input, context) {
      const job = findJob(resources, context.sessionId, input.jobId);
      const since = firstAsked.get(job) ?? resources.clock.now();
      firstAsked.set(job, since);
      if (job.status.kind === "running" && input.waitMs !== undefined) {
        const waiting = new AbortController();
        const signal = AbortSignal.any([waiting.signal, context.signal]);
        const elapsed = sleepAwake(resources.clock, input.waitMs, signal);
        // The one of the two that is not first is ignored.
        await Promise.race([job.ended, elapsed.catch(() => {})]);
        waiting.abort();
        context.signal.throwIfAborted();
      }
      return { output: describeJob(job, resources.clock.now() - since) };
    },
  });
}
