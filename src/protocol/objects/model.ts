import * as z from "zod";
import { lazySchema } from "../declare.js";

/** A model chosen for a workspace, with the settings that go with the choice. */
export const SelectedModel = lazySchema(() =>
  z
    .object({
      provider: z.string().min(1).describe("The provider's id in the configuration."),
      model: z.string().min(1).describe("The model's id at that provider."),
      maxTokens: z.int().positive().optional().describe("The most tokens of one reply."),
      reasoningEffort: z
        .string()
        .min(1)
        .optional()
        .describe("How much a model that can reason should, e.g. `low`, `medium`, `high`."),
      temperature: z.number().min(0).max(2).optional().describe("Sampling temperature."),
      topP: z.number().min(0).max(1).optional().describe("Nucleus sampling."),
    })
    .meta({ id: "SelectedModel", description: "A model chosen for a workspace." }),
);
export type SelectedModel = z.output<ReturnType<typeof SelectedModel>>;

/** What is known of a model. */
export const ModelInfo = lazySchema(() =>
  z
    .object({
      id: z.string().describe("The model's id at its provider."),
      provider: z.string().describe("The provider's id in the configuration."),
      name: z.string().describe("A name for people."),
      contextWindow: z.int().positive().optional().describe("Tokens that fit in one call."),
      defaultMaxTokens: z.int().positive().optional().describe("Tokens of one reply, unless told."),
      canReason: z.boolean().describe("Whether it can think before it answers."),
      supportsImages: z.boolean().describe("Whether it takes images."),
      costPerMillionInput: z.number().nonnegative().optional().describe("US dollars."),
      costPerMillionOutput: z.number().nonnegative().optional().describe("US dollars."),
      costPerMillionCachedInput: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for what is read from the provider's cache."),
      costPerMillionCacheWrite: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for what is written to the provider's cache."),
      costPerMillionReasoning: z
        .number()
        .nonnegative()
        .optional()
        .describe("US dollars, for what the model thinks."),
    })
    .meta({ id: "ModelInfo", description: "What is known of a model." }),
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
        .describe("Whether it is in force. Where it is requested and is not, no turn begins."),
      reason: z.string().optional().describe("Why it cannot be enforced, for a person."),
    })
    .meta({ id: "SandboxInfo", description: "What commands and tool servers are confined to." }),
);
export type SandboxInfo = z.output<ReturnType<typeof SandboxInfo>>;

/** What a client sees of a workspace's agent. */
export const AgentInfo = lazySchema(() =>
  z
    .object({
      isReady: z.boolean().describe("Whether `initAgent` has succeeded."),
      isBusy: z.boolean().describe("Whether a turn runs in this workspace, in this server."),
      engine: z.string().describe("What runs the turns; `turnwire` is the built-in loop."),
      model: ModelInfo().optional().describe("The large model; absent before `initAgent`."),
      modelConfig: SelectedModel().optional().describe("The choice behind `model`."),
      sandbox: SandboxInfo()
        .optional()
        .describe("What commands are confined to; absent before `initAgent`."),
    })
    .meta({ id: "AgentInfo", description: "The state of a workspace's agent." }),
);
export type AgentInfo = z.output<ReturnType<typeof AgentInfo>>;
