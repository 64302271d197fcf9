import type { Job } from "../process/jobs.js";
import { describeExit } from "./bash.js";
import { ToolFailure } from "./failure.js";
import type { ToolResources } from "./resources.js";

/** A job of a session. @throws ToolFailure, naming the existing jobs, if there is no such job. */
export function findJob(resources: ToolResources, sessionId: string, jobId: string): Job {
  const jobs = resources.jobs(sessionId);
  const job = jobs.get(jobId);
  if (job !== undefined) return job;
  const known = jobs.size === 0 ? "there are none" : `there are ${[...jobs.keys()].join(", ")}`;
  throw new ToolFailure(`\`jobId\` ${jobId} is no job of this session; ${known}.`);
}

/**
 * A job's output and state, for the model.
 *
 * @param watchedMs how long the job has run. It is shown while the job runs. So a repeated question
 * about a quiet job does not always get the same result, which would look like a loop.
 */
export function describeJob(job: Job, watchedMs = 0): string {
  const output = job.output().trimEnd() || "(no output)";
  return `${output}\n[${job.id}, ${job.command}: ${standing(job, watchedMs)}]`;
}

function standing({ status }: Job, watchedMs: number): string {
  switch (status.kind) {
    case "running":
      return `running for at least ${Math.floor(watchedMs / 1000)} s`;
    case "failed":
      return `failed: ${status.message}`;
    case "ended":
      return describeExit(status.exit) ?? "exit code 0";
  }
}
