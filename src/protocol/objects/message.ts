import * as z from "zod";
import { lazySchema } from "../declare.js";
import { base64Bytes } from "./base64.js";
import { anyId } from "./ids.js";
import { RunErrorName } from "./run.js";

const providerMetadata = () =>
  z
    .record(z.string(), z.unknown())
    .optional()
    .describe("Opaque data that the provider needs back with the next call.");

/** Why a message ended. */
export const FinishReason = lazySchema(() =>
  z.enum(["endTurn", "maxTokens", "toolUse", "cancelled", "error", "contentFilter"]).meta({
    id: "FinishReason",
    description: "Why an assistant message ended.",
  }),
);
export type FinishReason = z.output<ReturnType<typeof FinishReason>>;

/** How far a tool call has come. */
export const ToolCallState = lazySchema(() =>
  z.enum(["streaming", "pending", "running", "completed", "failed", "denied", "cancelled"]).meta({
    id: "ToolCallState",
    description:
      "`streaming`: the input is arriving. `pending`: the call has not started, or its permission is being asked. The last four are final.",
  }),
);
export type ToolCallState = z.output<ReturnType<typeof ToolCallState>>;

/** One part of a message. */
export const Part = lazySchema(() =>
  z
    .discriminatedUnion("type", [
      z.object({
        type: z.literal("text"),
        text: z.string(),
        providerMetadata: providerMetadata(),
      }),
      z.object({
        type: z.literal("reasoning"),
        text: z.string(),
        providerMetadata: providerMetadata(),
      }),
      z.object({
        type: z.literal("toolCall"),
        toolCallId: z.string(),
        name: z.string(),
        input: z.unknown().describe("The parsed input. While the input streams, its text so far."),
        state: ToolCallState(),
        providerMetadata: providerMetadata(),
      }),
      z.object({
        type: z.literal("toolResult"),
        toolCallId: z.string(),
        name: z.string(),
        output: z.string(),
        isError: z.boolean(),
        diff: z.string().optional().describe("The change of a file, as a unified diff."),
      }),
      z.object({
        type: z.literal("attachment"),
        name: z.string(),
        mimeType: z.string(),
        size: z.int().nonnegative().describe("Bytes."),
        toolCallId: z
          .string()
          .optional()
          .describe("In a `tool` message: the call whose result it belongs to."),
        refusedBy: z
          .array(z.string())
          .optional()
          .describe(
            "The models (`provider/model`) whose provider refused this image. They get a note instead of the image.",
          ),
      }),
      z.object({
        type: z.literal("finish"),
        reason: FinishReason(),
        message: z.string().optional(),
        cutOff: z
          .literal(true)
          .optional()
          .describe(
            "The server was lost while this reply was streamed. The model is asked again, and not told of it.",
          ),
      }),
    ])
    .meta({ id: "Part", description: "One part of a message. `type` says which kind it is." }),
);
export type Part = z.output<ReturnType<typeof Part>>;

/** A message of a user, the model or a tool. */
export const Message = lazySchema(() =>
  z
    .object({
      id: z.string(),
      sessionId: z.string(),
      role: z.enum(["user", "assistant", "tool"]),
      parts: z.array(Part()),
      errorName: RunErrorName()
        .optional()
        .describe("`StorageDamaged`: the content cannot be read, and `parts` only says so."),
      model: z.string().optional(),
      provider: z.string().optional(),
      isSummary: z.boolean().optional(),
      createdAt: z.iso.datetime().describe("RFC 3339, UTC."),
      updatedAt: z.iso.datetime().describe("RFC 3339, UTC."),
    })
    .meta({ id: "Message", description: "A message of a user, the model or a tool." }),
);
export type Message = z.output<ReturnType<typeof Message>>;

/** Something sent along with a prompt. */
export const Attachment = lazySchema(() =>
  z
    .union([
      z.object({
        name: anyId().min(1),
        mimeType: anyId().min(1),
        data: base64Bytes(),
      }),
      z.object({ path: anyId().min(1).describe("A file inside the workspace.") }),
    ])
    .meta({
      id: "Attachment",
      description: "Bytes that are sent with the prompt, or a file of the workspace.",
    }),
);
export type Attachment = z.output<ReturnType<typeof Attachment>>;
