import * as z from "zod";
import { lazySchema } from "../declare.js";
import { anyId } from "./ids.js";

/** A model chosen for a workspace, with the settings that go with the choice. */
export const SelectedModel = lazySchema(() =>
  z
    .object({
      provider: anyId().min(1).describe("The provider's id in the configuration."),
      model: anyId().min(1).describe("The model's id at that provider."),
      maxTokens: z.int().positive().optional().describe("The most tokens of one reply."),
      reasoningEffort: anyId()
        .min(1)
        .optional()
        .describe("How much a model that can reason should think, e.g. `low`, `medium`, `high`."),
      temperature: z.number().min(0).max(2).optional().describe("Sampling temperature."),
      topP: z.number().min(0).max(1).optional().describe("Nucleus sampling."),
    })
    .meta({ id: "SelectedModel", description: "A model chosen for a workspace." }),
);
export type SelectedModel = z.output<ReturnType<typeof SelectedModel>>;

/** A model and its known values. */
export const ModelInfo = lazySchema(() =>
  z
    .object({
      id: z.string().describe("The model's id at its provider."),
      provider: z.string().describe("The provider's id in the configuration."),
      name: z.string().describe("A name for people."),
      contextWindow: z.int().positive().optional().describe("Tokens that fit in one call."),
      defaultMaxTokens: z.int().positive().optional().describe("Tokens of one reply by default."),
      canReason: z.boolean().describe("Whether it can think before it answers."),
      supportsImages: z.boolean().describe("Whether it takes images."),
      costPerMillionInput: z.number().nonnegative().optional().describe("US dollars."),
      costPerMillionOutput: z.number().nonnegative().optional().describe("US dollars."),
      costPerMillionCachedInput: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for tokens that the provider reads from its cache."),
      costPerMillionCacheWrite: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for tokens that the provider writes to its cache."),
      costPerMillionReasoning: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for the tokens of the model's thoughts."),
    })
    .meta({ id: "ModelInfo", description: "A model and its known values." }),
);
export type ModelInfo = z.output<ReturnType<typeof ModelInfo>>;

/** What commands and tool servers are confined to (protocol.md section 7). */
export const SandboxInfo = lazySchema(() =>
  z
    .object({
      requested: z
        .enum(["off", "read-only", "workspace-write"])
        .describe("`permissions.sandbox` of the configuration."),
      enforced: z
        .boolean()
        .describe(
          "Whether the sandbox is in force. If it is requested and not in force, no turn begins.",
        ),
      reason: z.string().optional().describe("Why it cannot be enforced, for a person."),
    })
    .meta({ id: "SandboxInfo", description: "The sandbox of commands and tool servers." }),
);
export type SandboxInfo = z.output<ReturnType<typeof SandboxInfo>>;

/** What a client sees of a workspace's agent. */
export const AgentInfo = lazySchema(() =>
  z
    .object({
      isReady: z.boolean().describe("Whether `initAgent` has succeeded."),
      isBusy: z.boolean().describe("Whether a turn runs in this workspace, in this server."),
      engine: z
        .string()
        .describe("The engine that runs the turns. `turnwire` is the built-in loop."),
      model: ModelInfo().optional().describe("The large model; absent before `initAgent`."),
      modelConfig: SelectedModel().optional().describe("The choice behind `model`."),
      sandbox: SandboxInfo()
        .optional()
        .describe("The sandbox of commands. Absent before `initAgent`."),
    })
    .meta({ id: "AgentInfo", description: "The state of a workspace's agent." }),
);
export type AgentInfo = z.output<ReturnType<typeof AgentInfo>>;
