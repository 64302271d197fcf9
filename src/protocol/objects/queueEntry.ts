import * as z from "zod";
import { lazySchema } from "../declare.js";

/** Whether `prompt` is not the whole text: one answer has only so much. */
const promptTruncated = () =>
  z
    .literal(true)
    .optional()
    .describe("`prompt` is cut. In one answer of `listQueue`, all together have at most 4 MiB.");

/** A prompt that waits in a session's queue. */
export const QueueEntry = lazySchema(() =>
  z
    .object({
      queueId: z.string().describe("The same in every server, until the prompt begins or ends."),
      runId: z.string().optional(),
      prompt: z.string().describe("The text as it was sent, or as `editQueued` has changed it."),
      promptTruncated: promptTruncated(),
      acceptedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "QueueEntry", description: "A prompt that waits in a session's queue." }),
);
export type QueueEntry = z.output<ReturnType<typeof QueueEntry>>;
