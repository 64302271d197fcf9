// How each kind of work becomes a span: what it begins with, and what its end adds.
import type { TracedWork } from "../base/telemetry.js";
import { bounded, boundedJson, outputMessage, promptMessage } from "./contents.js";
import { type Attributes, providerName } from "./conventions.js";
import type { LiveSpan, SpanStart } from "./span.js";

/** Work that is being done, as its span sees it. */
export interface OpenWork<K extends keyof TracedWork> {
  readonly start: Pick<SpanStart, "name" | "kind" | "attributes">;
  /** Takes what is seen on the way. */
  seen?(part: TracedWork[K]["seen"]): void;
  /** Writes the end on the span. */
  ended(ended: TracedWork[K]["ended"], span: LiveSpan): void;
}

/** What is known of the run around. */
export interface RunFacts {
  readonly sessionId?: string;
  /** The provider and model that it asked first. */
  provider?: string;
  model?: string;
}

/** A run. Its model is known once it has asked one. */
export function runWork(
  { kind, sessionId, workspaceId, runId, prompt }: TracedWork["run"]["begun"],
  { version, hasContents, facts }: { version: string; hasContents: boolean; facts: RunFacts },
): OpenWork<"run"> {
  return {
    start: {
      name: "invoke_agent",
      kind: "internal",
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "turnwire",
        "gen_ai.agent.version": version,
        "gen_ai.conversation.id": sessionId,
        "gen_ai.input.messages": hasContents ? promptMessage(prompt.text) : undefined,
        "turnwire.workspace.id": workspaceId,
        "turnwire.run.id": runId,
        "turnwire.run.kind": kind,
      },
    },
    ended({ status, text, cause, errorName, error, usage }, span) {
      span.set({
        "gen_ai.provider.name": facts.provider ?? "turnwire",
        "gen_ai.request.model": facts.model,
        "gen_ai.usage.input_tokens": usage?.promptTokens,
        "gen_ai.usage.output_tokens": usage?.completionTokens,
        "gen_ai.usage.cache_read.input_tokens": usage?.cachedPromptTokens,
        "gen_ai.usage.cache_creation.input_tokens": usage?.cacheWriteTokens,
        "gen_ai.usage.reasoning.output_tokens": usage?.reasoningTokens,
        "gen_ai.output.messages": hasContents ? replyOf(text, status) : undefined,
        "turnwire.run.status": status,
        "turnwire.run.cause": cause,
        "turnwire.cancelled": status === "cancelled" ? true : undefined,
      });
      if (status === "failed") span.fail(errorName ?? "_OTHER", error);
    },
  };
}

function replyOf(text: string, status: string): string {
  const finish = status === "succeeded" ? "stop" : "error";
  return outputMessage([{ type: "text", content: bounded(text) }], finish);
}

/** A run that a dead server had begun, with what was kept of it. */
export function interruptedAttributes(about: {
  readonly kind: string;
  readonly sessionId: string;
  readonly workspaceId?: string;
  readonly runId?: string;
}): Attributes {
  return {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.agent.name": "turnwire",
    "gen_ai.provider.name": "turnwire",
    "gen_ai.conversation.id": about.sessionId,
    "turnwire.workspace.id": about.workspaceId,
    "turnwire.run.id": about.runId,
    "turnwire.run.kind": about.kind,
    "turnwire.run.status": "interrupted",
    "turnwire.run.cause": "crash",
  };
}

/** A call of a tool. */
export function toolWork(
  { name, toolCallId, description, input, isElsewhere }: TracedWork["tool"]["begun"],
  hasContents: boolean,
): OpenWork<"tool"> {
  return {
    start: {
      name: `execute_tool ${name}`,
      kind: "internal",
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": toolCallId,
        "gen_ai.tool.type": isElsewhere ? undefined : "function",
        "gen_ai.tool.description": description === undefined ? undefined : firstLine(description),
        "gen_ai.tool.call.arguments": hasContents ? boundedJson(input) : undefined,
      },
    },
    ended({ state, output, name: finalName = name, input: finalInput = input }, span) {
      if (finalName !== name) span.rename(`execute_tool ${finalName}`);
      span.set({
        "gen_ai.tool.name": finalName,
        "gen_ai.tool.call.arguments": hasContents ? boundedJson(finalInput) : undefined,
        "gen_ai.tool.call.result": hasContents ? bounded(output) : undefined,
        "turnwire.tool.state": state,
        "turnwire.cancelled": state === "cancelled" ? true : undefined,
      });
      if (state === "failed") span.fail("tool_error");
      if (state === "denied") span.fail("permission_denied");
    },
  };
}

function firstLine(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.slice(0, 200);
}

/** A completion that is sent. */
export function deliveryWork(completion: TracedWork["delivery"]["begun"]): OpenWork<"delivery"> {
  return {
    start: {
      name: "turnwire.deliver",
      kind: "producer",
      attributes: {
        "gen_ai.conversation.id": completion.sessionId,
        "turnwire.workspace.id": completion.workspaceId,
        "turnwire.run.id": completion.runId,
        "turnwire.run.status": completion.status,
        "turnwire.completion.id": completion.completionId,
        "turnwire.completion.sequence": completion.sequence,
        "turnwire.attempt": completion.attempt,
      },
    },
    ended() {},
  };
}

/** The names of the provider and model of a call. */
export function modelOf({ providerId, modelId }: TracedWork["chat"]["begun"]) {
  return { provider: providerName(providerId), model: modelId };
}
