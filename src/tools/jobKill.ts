import * as z from "zod";
import { defineTool } from "./defineTool.js";
import { describeJob, findJob } from "./jobReport.js";
import type { ToolResources } from "./resources.js";
import type { Tool } from "./tool.js";

const description = "Ends a background job and everything that it began, and returns its output.";

const inputSchema = z.object({
  jobId: z.string().min(1).describe("The job's id, as `bash` gave it."),
});

/** `jobKill`: the end of a background job. */
export function jobKillTool(resources: ToolResources): Tool<z.output<typeof inputSchema>> {
  return defineTool({
    name: "jobKill",
    description,
    inputSchema,
    async execute(input, context) {
      const job = findJob(resources, context.sessionId, input.jobId);
      await job.stop();
      return { output: describeJob(job) };
    },
  });
}
