// Plays the steps of a script as the stream of a model.
import {
  APICallError,
  type LanguageModelV3StreamPart,
  type LanguageModelV3Usage,
} from "@ai-sdk/provider";
import { type Clock, sleep } from "../../base/clock.js";
import type { Step } from "./script.js";
import { WordCounter } from "./words.js";

/** What is needed to play a call. */
export interface Stage {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Words of the prompt. */
  readonly promptWords: number;
  /** The id of the call's tool call, if it makes one. */
  readonly toolCallId: string;
}

/**
 * How many chunks are sent before the event loop gets a turn: few enough for a cancel to arrive,
 * and enough to stay fast.
 */
const chunksPerTurnOfLoop = 256;
const pattern = "All work and no play makes Jack a dull boy. ";

/**
 * The stream parts that the steps make. Rejects with the signal's reason as soon as it is aborted.
 */
export async function* play(
  steps: readonly Step[],
  stage: Stage,
): AsyncGenerator<LanguageModelV3StreamPart, void, void> {
  yield { type: "stream-start", warnings: [] };
  const words = new WordCounter();
  let calledTool = false;
  let textBlock: string | undefined;
  for (const [index, step] of steps.entries()) {
    const id = String(index);
    stage.signal.throwIfAborted();
    const isText = step.kind === "say" || step.kind === "chunks";
    if (!isText && step.kind !== "wait" && textBlock !== undefined) {
      yield { type: "text-end", id: textBlock };
      textBlock = undefined;
    }
    if (isText) {
      // Neighbouring steps share a part, with one line each.
      if (textBlock === undefined) yield { type: "text-start", id };
      else yield { type: "text-delta", id: textBlock, delta: "\n" };
      textBlock ??= id;
    }
    calledTool ||= step.kind === "tool";
    yield* playStep(step, textBlock ?? id, words, stage);
  }
  if (textBlock !== undefined) yield { type: "text-end", id: textBlock };
  yield {
    type: "finish",
    finishReason: calledTool
      ? { unified: "tool-calls", raw: "tool-calls" }
      : // A script may end without a word, which is an end and no broken reply.
        { unified: "stop", raw: "end_turn" },
    usage: countedUsage(stage.promptWords, words.count),
  };
}

async function* playStep(
  step: Step,
  id: string,
  words: WordCounter,
  stage: Stage,
): AsyncGenerator<LanguageModelV3StreamPart, void, void> {
  switch (step.kind) {
    case "say":
      words.add(`${step.text} `);
      yield { type: "text-delta", id, delta: step.text };
      return;
    case "think":
      words.add(`${step.text} `);
      yield { type: "reasoning-start", id };
      yield { type: "reasoning-delta", id, delta: step.text };
      yield { type: "reasoning-end", id };
      return;
    case "chunks":
      yield* playChunks(step.count, step.size, id, words, stage);
      return;
    case "wait":
      await sleep(stage.clock, step.ms, stage.signal);
      return;
    case "tool":
      words.add(`${step.input} `);
      yield { type: "tool-input-start", id: stage.toolCallId, toolName: step.name };
      yield { type: "tool-input-delta", id: stage.toolCallId, delta: step.input };
      yield { type: "tool-input-end", id: stage.toolCallId };
      yield {
        type: "tool-call",
        toolCallId: stage.toolCallId,
        toolName: step.name,
        input: step.input,
      };
      return;
    case "fail":
      throw failureOf(step);
  }
}

async function* playChunks(
  count: number,
  size: number,
  id: string,
  words: WordCounter,
  { clock, signal }: Stage,
): AsyncGenerator<LanguageModelV3StreamPart, void, void> {
  const repeated = pattern.repeat(Math.ceil(size / pattern.length) + 1);
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (index % chunksPerTurnOfLoop === 0) {
      await new Promise<void>((resolve) => clock.soon(resolve));
      signal.throwIfAborted();
    }
    const delta = repeated.slice(at, at + size);
    at = (at + size) % pattern.length;
    words.add(delta);
    yield { type: "text-delta", id, delta };
  }
}

/** The error that a provider with that HTTP status would give. */
export function failureOf(step: Extract<Step, { kind: "fail" }>): APICallError {
  return new APICallError({
    message: step.message,
    url: "offline:",
    requestBodyValues: {},
    statusCode: step.status,
    // It fails at every try, so long waits between the tries are useless.
    responseHeaders: { "retry-after-ms": "10" },
    responseBody: JSON.stringify({ error: { message: step.message } }),
  });
}

function countedUsage(promptWords: number, replyWords: number): LanguageModelV3Usage {
  return {
    inputTokens: { total: promptWords, noCache: promptWords, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: replyWords, text: replyWords, reasoning: 0 },
  };
}
