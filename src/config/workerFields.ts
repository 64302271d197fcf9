// The fields of `worker`: the work queue of `turnwire worker` (docs/fleet.md).
import * as z from "zod";
import { PermissionMode } from "../protocol/objects/workspace.js";

/** A name of a stream or a consumer of NATS JetStream. */
const name = (description: string) =>
  z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9_-]+$/, "is no name of a stream or a consumer")
    .exactOptional()
    .describe(description);

/** The schema of `worker`. */
export const workerFields = () =>
  z.strictObject({
    relay: z
      .string()
      .exactOptional()
      .describe(
        "The relay of type `nats` that carries the completions; its address is the queue's too. Not needed if there is one alone.",
      ),
    stream: name(
      "The stream with the prompts; `TURNWIRE_PROMPTS` by default. It is made if there is none.",
    ),
    consumer: name(
      "The consumer that all workers share; `workers` by default. It is made if there is none.",
    ),
    subject: z
      .string()
      .max(200)
      .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, "is no subject")
      .exactOptional()
      .describe("The subject of a stream that is made; `turnwire.prompts` by default."),
    workspaces: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(200).describe("The name that messages use."),
          path: z.string().min(1).describe("The folder; an absolute path."),
        }),
      )
      .min(1)
      .max(1000)
      .describe("The folders in which prompts may run."),
    permissionMode: PermissionMode()
      .exactOptional()
      .describe(
        "The mode of the runs; a message may only ask for a stricter one. `ask` by default, which denies what would have to be asked.",
      ),
    maxConcurrent: z.int().min(1).max(1000).exactOptional().meta({
      description: "How many prompts run at a time.",
      default: 4,
    }),
  });
