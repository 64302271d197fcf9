// What is read of a tool server's answers. It is looser than the protocol: one invalid tool, or one
// unknown kind of content, does not make the rest unusable.
import * as z from "zod";
import { ToolFailure } from "../tools/failure.js";

/** A tool as a server lists it. */
export const ListedTool = z.looseObject({
  name: z.string().min(1),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.looseObject({ type: z.literal("object") }),
  annotations: z.looseObject({ readOnlyHint: z.boolean().optional() }).optional(),
});
export type ListedTool = z.output<typeof ListedTool>;

/** A prompt as a server lists it. */
export const ListedPrompt = z.looseObject({
  name: z.string().min(1),
  title: z.string().nullish(),
  description: z.string().nullish(),
  arguments: z
    .array(z.looseObject({ name: z.string().min(1), required: z.boolean().nullish() }))
    .nullish(),
});
export type ListedPrompt = z.output<typeof ListedPrompt>;

const described = {
  name: z.string().nullish(),
  title: z.string().nullish(),
  description: z.string().nullish(),
  mimeType: z.string().nullish(),
};

/** A resource as a server lists it. */
export const ListedResource = z.looseObject({ uri: z.string().min(1), ...described });
export type ListedResource = z.output<typeof ListedResource>;

/** A pattern of resources, as a server lists it. */
export const ListedTemplate = z.looseObject({ uriTemplate: z.string().min(1), ...described });
export type ListedTemplate = z.output<typeof ListedTemplate>;

/** The result of a call. */
export interface CallResult {
  /** Its blocks; null if the server sends null. */
  readonly content: readonly unknown[] | null;
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

/**
 * Reads the result of a call.
 *
 * @throws ToolFailure if it is no result at all.
 */
export function readResult(answer: unknown): CallResult {
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) {
    throw new ToolFailure(`It answered with ${kindOf(answer)} where a result belongs.`);
  }
  const { content = [], structuredContent, isError } = answer as Record<string, unknown>;
  if (content !== null && !Array.isArray(content)) {
    throw new ToolFailure(
      `The "content" of its result is ${kindOf(content)} where a list of blocks belongs.`,
    );
  }
  return { content, structuredContent, isError: isError === true };
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

const resource = z.looseObject({
  uri: z.string(),
  mimeType: z.string().optional(),
  text: z.string().optional(),
  blob: z.string().optional(),
});

/** One block of a result's content. */
export const ContentBlock = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text"), text: z.string() }),
  z.looseObject({ type: z.literal("image"), data: z.string(), mimeType: z.string() }),
  z.looseObject({ type: z.literal("audio"), data: z.string(), mimeType: z.string() }),
  z.looseObject({ type: z.literal("resource"), resource }),
  z.looseObject({ type: z.literal("resource_link"), uri: z.string(), name: z.string().optional() }),
]);
export type ContentBlock = z.output<typeof ContentBlock>;
