// The model for a first run, and for tests (protocol.md section 10, The offline model): it is
// deterministic, needs no network, and the agent's loop treats it like every other model.
import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3GenerateResult,
  LanguageModelV3Prompt,
  LanguageModelV3StreamPart,
  LanguageModelV3StreamResult,
} from "@ai-sdk/provider";
import type { Clock } from "../../base/clock.js";
import type { ModelInfo } from "../../protocol/objects/model.js";
import { type CallNote, readNote } from "../callNote.js";
import type { AdaptedModel } from "../configuredModel.js";
import { failureOf, play } from "./play.js";
import { type Step, stepsOfCall, userText } from "./script.js";
import { wordsOfPrompt } from "./words.js";

/** The offline model under the given name. */
export function offlineModel(info: ModelInfo, clock: Clock): AdaptedModel {
  return { model: new OfflineModel(info.id, clock), adapt: (options) => options };
}

class OfflineModel implements LanguageModelV3 {
  readonly specificationVersion = "v3";
  readonly provider = "offline";
  readonly supportedUrls = {};
  readonly modelId: string;
  readonly #clock: Clock;

  constructor(modelId: string, clock: Clock) {
    this.modelId = modelId;
    this.#clock = clock;
  }

  async doStream(options: LanguageModelV3CallOptions): Promise<LanguageModelV3StreamResult> {
    options.abortSignal?.throwIfAborted();
    const steps = stepsFor(options.prompt, readNote(options));
    const [first] = steps;
    // A provider that refuses a request does so before its stream begins.
    if (first?.kind === "fail") throw failureOf(first);
    const stopped = new AbortController();
    const signal = options.abortSignal
      ? AbortSignal.any([options.abortSignal, stopped.signal])
      : stopped.signal;
    const parts = play(steps, {
      clock: this.#clock,
      signal,
      promptWords: wordsOfPrompt(options.prompt),
      toolCallId: `offline_${toolCallsIn(options.prompt) + 1}`,
    });
    return { stream: streamOf(parts, stopped) };
  }

  async doGenerate(options: LanguageModelV3CallOptions): Promise<LanguageModelV3GenerateResult> {
    const { stream } = await this.doStream(options);
    const content: LanguageModelV3GenerateResult["content"] = [];
    let text = "";
    for await (const part of stream) {
      if (part.type === "text-delta") text += part.delta;
      if (part.type === "tool-call") content.push(part);
      if (part.type === "finish") {
        if (text !== "") content.unshift({ type: "text", text });
        return { content, finishReason: part.finishReason, usage: part.usage, warnings: [] };
      }
    }
    throw new Error("the offline model's stream ended without a finish");
  }
}

function stepsFor(prompt: LanguageModelV3Prompt, note: CallNote): readonly Step[] {
  if (note.purpose === "title") return [{ kind: "say", text: titleOf(prompt) }];
  if (note.purpose === "summary") {
    const words = wordsOfPrompt(prompt);
    return [{ kind: "say", text: `The offline model's summary of ${words} words.` }];
  }
  const inTurn = prompt.slice(note.turnStart ?? 0).some((message) => message.role === "user");
  if (!inTurn) return [{ kind: "say", text: "The offline model has nothing left to do." }];
  return stepsOfCall(prompt, note.turnStart, note.summarisedCalls);
}

/** The first few words of what the user asked, without its directive. */
function titleOf(prompt: LanguageModelV3Prompt): string {
  const asked = prompt.findLast((message) => message.role === "user");
  const [line = ""] = (asked ? userText(asked) : "").trim().split("\n");
  const words = line.replace(/^@\w+\s*/, "").split(/\s+/);
  return words.slice(0, 6).join(" ").slice(0, 50) || "Offline session";
}

function toolCallsIn(prompt: LanguageModelV3Prompt): number {
  return prompt.reduce((sum, message) => {
    if (message.role !== "assistant") return sum;
    return sum + message.content.filter((part) => part.type === "tool-call").length;
  }, 0);
}

function streamOf(
  parts: AsyncGenerator<LanguageModelV3StreamPart, void, void>,
  stopped: AbortController,
): ReadableStream<LanguageModelV3StreamPart> {
  return new ReadableStream<LanguageModelV3StreamPart>(
    {
      async pull(controller) {
        const next = await parts.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel(reason) {
        // A step may be waiting. The signal ends it, and then the generator ends too.
        stopped.abort(reason);
        await parts.return();
      },
    },
    { highWaterMark: 32 },
  );
}
